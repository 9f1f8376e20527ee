"""How a row keeps its price and its bill: what all rows of one price have in common is stored once."""
