// The vault's encryption as Node writes it (aes-256-gcm, 16-byte iv, hex), to prove that ours reads it and vice versa.
//
//   node node_crypto.cjs vectors          prints test vectors; node_crypto.json beside this file was made so
//   node node_crypto.cjs seal < in.json   [{key, text}]                      -> [{encryptedData, iv, tag}]
//   node node_crypto.cjs open < in.json   [{key, encryptedData, iv, tag}]    -> [{text} or {error}]
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');

const ALGORITHM = 'aes-256-gcm';

function seal({ key, text }) {
  const iv = crypto.randomBytes(16);
  const cipher = crypto.createCipheriv(ALGORITHM, Buffer.from(key, 'hex'), iv);
  const encryptedData = cipher.update(text, 'utf8', 'hex') + cipher.final('hex');
  return { encryptedData, iv: iv.toString('hex'), tag: cipher.getAuthTag().toString('hex') };
}

function open({ key, encryptedData, iv, tag }) {
  const decipher = crypto.createDecipheriv(ALGORITHM, Buffer.from(key, 'hex'), Buffer.from(iv, 'hex'));
  decipher.setAuthTag(Buffer.from(tag, 'hex'));
  try {
    return { text: decipher.update(encryptedData, 'hex', 'utf8') + decipher.final('utf8') };
  } catch (error) {
    return { error: error.message };
  }
}

function vectors() {
  const texts = [
    '',
    'x',
    'sk-proj-Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0',
    'sk-ant-admin01-0123456789abcdef',
    'sixteen bytes!!!',
    'Schlüssel für Zürich, ключ, 鍵, 🔑',
    'line one\nline two\r\n\ttabbed\u0000null',
    'long '.repeat(1000),
  ];
  const keys = [
    '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    'FFEEDDCCBBAA99887766554433221100ffeeddccbbaa99887766554433221100',
  ];
  return {
    node: process.version,
    openssl: process.versions.openssl,
    vectors: keys.flatMap((key) => texts.map((text) => ({ key, text, ...seal({ key, text }) }))),
  };
}

const command = process.argv[2];
const work = { seal, open }[command];
const answer = command === 'vectors' ? vectors() : JSON.parse(fs.readFileSync(0, 'utf8')).map(work);
process.stdout.write(JSON.stringify(answer, null, command === 'vectors' ? 1 : 0) + '\n');
