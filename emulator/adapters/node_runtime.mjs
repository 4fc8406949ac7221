// The Node.js side of the Lambda Runtime API: loads the handler, then asks for one event after the other.
// SOURCE: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, nodejs-handler.html, nodejs-context.html,
//   nodejs-logging.html (read 2026-11-23).
// Responses are not streamed.
import { existsSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { inspect, format } from "node:util";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const SDK = /^(@aws-sdk\/|@smithy\/|aws-sdk$)/;
let requestId = "undefined";

function call(method, route, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const options = { host, port, agent, method, headers, path: `/2018-06-01/runtime/${route}` };
    const request = http.request(options, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(parts).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const isJson = process.env.AWS_LAMBDA_LOG_FORMAT === "JSON";
const least = isJson ? Math.max(LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL), 0) : 0;

function log(level, ...words) {
  if (LEVELS.indexOf(level) < least) return;
  if (isJson) {
    const message = words.length === 1 && typeof words[0] === "object" ? words[0] : format(...words);
    process.stdout.write(JSON.stringify({ timestamp: new Date().toISOString(), level, requestId, message }) + "\n");
    return;
  }
  process.stdout.write(`${new Date().toISOString()}\t${requestId}\t${level}\t${format(...words).replace(/\n/g, "\r")}\n`);
}
for (const [name, level] of Object.entries({ log: "INFO", info: "INFO", warn: "WARN", error: "ERROR", debug: "DEBUG", trace: "TRACE" })) {
  console[name] = (...words) => log(level, ...words);
}

function described(error) {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? "").split("\n") };
}

async function failed(route, error) {
  const body = JSON.stringify(error);
  const headers = { "Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": error.errorType };
  await call("POST", route, body, headers);
}

class InitError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

async function load() {
  const written = process.env._HANDLER;
  const file = path.basename(written), dot = file.indexOf(".");
  if (dot < 1 || written.includes("..")) throw new InitError("Runtime.MalformedHandlerName", "Bad handler");
  const base = path.resolve(process.cwd(), path.dirname(written), file.slice(0, dot));
  const found = ["", ".js", ".mjs", ".cjs"].map((suffix) => base + suffix).find((name) => path.extname(name) && existsSync(name));
  if (!found) throw new InitError("Runtime.ImportModuleError", `Error: Cannot find module '${path.basename(base)}'`);
  const loaded = await imported(found);
  let handler = loaded;
  for (const part of file.slice(dot + 1).split(".")) handler = handler?.[part] ?? handler?.default?.[part];
  if (handler === undefined) throw new InitError("Runtime.HandlerNotFound", `${written} is undefined or not exported`);
  if (typeof handler !== "function") throw new InitError("Runtime.HandlerNotFound", `${written} is not a function`);
  return handler;
}

async function imported(found) {
  try {
    return await import(pathToFileURL(found).href);
  } catch (error) {
    if (error instanceof SyntaxError) throw new InitError("Runtime.UserCodeSyntaxError", String(error));
    if (!["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"].includes(error?.code)) throw error;
    const missing = /Cannot find (?:module|package) '([^']+)'/.exec(error.message)?.[1] ?? "";
    const hint = SDK.test(missing)
      ? " (the AWS SDK for JavaScript is part of AWS's image and is not shipped with this emulator: bundle it with the function or put it into a layer)"
      : "";
    throw new InitError("Runtime.ImportModuleError", `Error: ${error.message.split("\n")[0]}${hint}`);
  }
}

function context(headers, done) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const client = headers["lambda-runtime-client-context"];
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    clientContext: client ? JSON.parse(client) : undefined,
    getRemainingTimeInMillis: () => deadline - Date.now(),
    done: (error, answer) => done(error, answer),
    succeed: (answer) => done(null, answer),
    fail: (error) => done(error),
  };
}

function run(handler, event, headers) {
  return new Promise((resolve, reject) => {
    const done = (error, answer) => (error === null || error === undefined ? resolve(answer) : reject(error));
    const answer = handler(event, context(headers, done), done);
    if (typeof answer?.then === "function") answer.then(resolve, reject);
  });
}

async function serve(handler) {
  for (;;) {
    const next = await call("GET", "invocation/next");
    requestId = next.headers["lambda-runtime-aws-request-id"];
    process.env._X_AMZN_TRACE_ID = next.headers["lambda-runtime-trace-id"];
    try {
      const answer = await run(handler, JSON.parse(next.body), next.headers);
      await call("POST", `invocation/${requestId}/response`, JSON.stringify(answer) ?? "null", { "Content-Type": "application/json" });
    } catch (error) {
      log("ERROR", "Invoke Error", "\t" + JSON.stringify({ ...described(error), stack: described(error).trace }));
      await failed(`invocation/${requestId}/error`, described(error));
    }
  }
}

for (const kind of ["uncaughtException", "unhandledRejection"]) {
  process.on(kind, async (error) => {
    const name = kind === "uncaughtException" ? "Uncaught Exception" : "Unhandled Promise Rejection";
    log("ERROR", name, "\t" + JSON.stringify({ ...described(error), stack: described(error).trace }));
    const told = { ...described(error) };
    if (kind === "unhandledRejection") Object.assign(told, { errorType: "Runtime.UnhandledPromiseRejection", errorMessage: inspect(error) });
    try {
      await failed(requestId === "undefined" ? "init/error" : `invocation/${requestId}/error`, told);
    } finally {
      process.exit(129);
    }
  });
}

let handler;
try {
  handler = await load();
} catch (error) {
  log("ERROR", "Uncaught Exception", "\t" + JSON.stringify({ ...described(error), stack: described(error).trace }));
  await failed("init/error", described(error));
  process.exit(1);
}
await serve(handler);
