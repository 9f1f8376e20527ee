"""/alerts: rules that tell people, built in a sentence, with what came of each."""
