import { get } from "./api.js";
import { h } from "./dom.js";

/** What the dashboard says of itself: its name, where telemetry is to be sent, and how much a page keeps. */
export const info = get("/info");

/** The end of a sentence, complete as soon as the dashboard has told its addresses. */
export function whereToSend() {
    const text = h("span", null, "by OTLP.");
    const tell = ({ otlpGrpcUrl, otlpHttpUrl }) => { text.textContent = `by OTLP, to ${otlpGrpcUrl} (gRPC) or ${otlpHttpUrl} (HTTP).`; };
    // Where it fails, the page says so once.
    info.then(tell, () => { });
    return text;
}
