// Sends one trace, one log record and three metrics by OpenTelemetry's JavaScript SDK.
// Usage: node send.js proto|http|grpc URL none|gzip SERVICE [API-KEY]; prints the id of the trace, or why it was not taken.
const [protocol, url, compression, service, key] = process.argv.slice(2);
const { trace, context, SpanKind, SpanStatusCode } = require('@opentelemetry/api');
const { SeverityNumber } = require('@opentelemetry/api-logs');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');
const { MeterProvider, PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');
const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${protocol}`);
const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${protocol}`);
const { OTLPMetricExporter } = require(`@opentelemetry/exporter-metrics-otlp-${protocol}`);

const resource = resourceFromAttributes({ 'service.name': service, 'service.instance.id': 'one' });
const options = (signal) => {
  if (protocol !== 'grpc') return { url: `${url}/v1/${signal}`, compression, headers: key ? { 'x-otlp-api-key': key } : {} };
  const { Metadata } = require('@grpc/grpc-js');
  const metadata = new Metadata();
  if (key) metadata.set('x-otlp-api-key', key);
  return { url, compression, metadata };
};

const tracers = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter(options('traces')))] });
const logProcessor = new BatchLogRecordProcessor({ exporter: new OTLPLogExporter(options('logs')) });
const loggers = new LoggerProvider({ resource, processors: [logProcessor] });
const meters = new MeterProvider({ resource, readers: [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter(options('metrics')) })] });

const tracer = tracers.getTracer('shop', '1.2.3');
const order = tracer.startSpan('<b>order</b>', {
  kind: SpanKind.SERVER,
  attributes: { text: 'naïve ☃', whole: 42, fraction: 1.5, yes: true, list: ['a', 'b'] },
});
const inOrder = trace.setSpan(context.active(), order);
const payment = tracer.startSpan('payment', { kind: SpanKind.CLIENT, links: [{ context: order.spanContext() }] }, inOrder);
payment.addEvent('asked', { bank: 'x' });
payment.setStatus({ code: SpanStatusCode.ERROR, message: 'no funds' });
payment.end();
order.end();

loggers.getLogger('shop').emit({
  severityNumber: SeverityNumber.WARN, severityText: 'WARN', eventName: 'order_refused',
  body: 'order refused', attributes: { order: 7 }, context: inOrder,
});

const meter = meters.getMeter('shop');
meter.createCounter('orders', { unit: '{order}', description: 'Orders.' }).add(3, { kind: 'web' });
meter.createUpDownCounter('open').add(2);
meter.createHistogram('latency', { unit: 's' }).record(0.2);

Promise.all([tracers.forceFlush(), loggers.forceFlush(), meters.forceFlush()])
  .then(() => console.log(order.spanContext().traceId))
  .catch((error) => console.log(String(error)))
  .finally(() => process.exit());
