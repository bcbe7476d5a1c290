// Decodes OTLP with the code that protobufjs made of OpenTelemetry's own schema.
// Usage: node decode.js traces|metrics|logs, with a message in base64 on each line of standard input; prints an array of them.
// The version of otlp-transformer is among the last that carry this code.
const { collector } = require('@opentelemetry/otlp-transformer/build/src/generated/root').opentelemetry.proto;
const request = {
  traces: collector.trace.v1.ExportTraceServiceRequest,
  metrics: collector.metrics.v1.ExportMetricsServiceRequest,
  logs: collector.logs.v1.ExportLogsServiceRequest,
}[process.argv[2]];
const messages = require('node:fs').readFileSync(0, 'utf8').split('\n').filter(Boolean);
console.log(JSON.stringify(messages.map((message) =>
  request.toObject(request.decode(Buffer.from(message, 'base64')), { longs: String, enums: String, bytes: String }))));
