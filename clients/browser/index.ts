/** nineplex/browser: transports of the browser. */
export { overPort } from "./messageport.ts";
export { connectWs } from "./ws.ts";
