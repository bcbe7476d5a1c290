import { get } from "./api.js";

/** What the dashboard says of itself: its name, where telemetry is to be sent, and how much a page keeps. */
export const info = await get("/info");

export const whereToSend = `by OTLP, to ${info.otlpGrpcUrl} (gRPC) or ${info.otlpHttpUrl} (HTTP).`;
