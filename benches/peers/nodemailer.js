// A pool of nodemailer's connections sends personalised letters, as its users would.
// node nodemailer.js HOST PORT CONNECTIONS LETTERS HTML TEXT [DKIM-KEY-PEM]    prints one line of JSON
const fs = require("fs");
const nodemailer = require("nodemailer");

const [host, port, connections, letters, htmlFile, textFile, keyFile] = process.argv.slice(2);
const html = fs.readFileSync(htmlFile, "utf8").split("{{first_name}}");
const text = fs.readFileSync(textFile, "utf8").split("{{first_name}}");
const total = Number(letters);

const pool = nodemailer.createTransport({
  pool: true,
  host,
  port: Number(port),
  secure: false,
  ignoreTLS: true,
  maxConnections: Number(connections),
  maxMessages: Infinity,
  ...(keyFile && {
    dkim: { domainName: "letters.example.org", keySelector: "bench", privateKey: fs.readFileSync(keyFile, "utf8") },
  }),
});

function letter(n) {
  const name = `Reader${n}`;
  return {
    from: "Ada Quill <ada@letters.example.org>",
    to: { name, address: `reader${n}@example.com` },
    subject: `Something for ${name}`,
    html: html.join(name),
    text: text.join(name),
    list: { unsubscribe: `mailto:leave@letters.example.org?subject=${n}` },
  };
}

async function main() {
  const began = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  let next = 0;
  let accepted = 0;
  const hands = Array.from({ length: Number(connections) * 2 }, async () => {
    while (next < total) {
      await pool.sendMail(letter(next++));
      accepted++;
    }
  });
  await Promise.all(hands);
  const used = process.cpuUsage(cpu);
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  pool.close();
  console.log(JSON.stringify({ accepted, seconds, cpu: (used.user + used.system) / 1e6 }));
}

main();
