// Run board.py on MicroPython, and feed it the bytes of a TCP connection or of a serial port.
//
//     node drive.mjs MICROPYTHON.mjs KIND PORT FILE...    RawSocket: a TCP port; Serial: a path
//
// The FILEs go into MicroPython's file system. A line on stdin: the heap that uwamp and board.py
// have taken, in bytes, is printed as a line. It ends with its stdin.

import { createReadStream, openSync, readFileSync, writeSync } from "node:fs";
import { connect } from "node:net";
import { basename } from "node:path";
import { createInterface } from "node:readline";

const REST = 100; // ms between two attempts to connect
const PACE = 10; // ms between two looks at the clock

const [library, kind, port, ...files] = process.argv.slice(2);
const { loadMicroPython } = await import(library);
const python = await loadMicroPython({ stdout: console.log });
for (const file of files) python.FS.writeFile(`/${basename(file)}`, readFileSync(file));
python.runPython("import binascii, gc, time; gc.collect()"); // is done once control is back here
python.runPython("before = gc.mem_alloc()");
python.runPython(`
from board import begin, is_lost, step

def exchange(data):
    return binascii.hexlify(step(binascii.unhexlify(data), time.ticks_ms())).decode()

def open(kind):
    begin(kind, time.ticks_ms())

def heap():
    return gc.mem_alloc() - before
`);
const [begin, exchange, is_lost, heap] = ["open", "exchange", "is_lost", "heap"].map((name) =>
    python.globals.get(name),
);

function step(data, write) {
    const out = exchange(data.toString("hex"));
    if (out) write(Buffer.from(out, "hex"));
}

function overTcp() {
    const socket = connect({ port: Number(port), host: "127.0.0.1", noDelay: true });
    const write = (data) => socket.write(data);
    let clock;
    socket.on("connect", () => {
        begin(kind);
        clock = setInterval(() => (is_lost() ? socket.end() : step(Buffer.alloc(0), write)), PACE);
    });
    socket.on("data", (data) => step(data, write));
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => {
        clearInterval(clock);
        setTimeout(overTcp, REST);
    });
}

function overLine() {
    const line = openSync(port, "r+");
    const write = (data) => writeSync(line, data);
    begin(kind);
    setInterval(() => step(Buffer.alloc(0), write), PACE);
    createReadStream(port).on("data", (data) => step(data, write));
}

(kind === "RawSocket" ? overTcp : overLine)();
createInterface({ input: process.stdin })
    .on("line", () => {
        python.runPython("gc.collect()");
        console.log(String(heap()));
    })
    .on("close", () => process.exit(0));
