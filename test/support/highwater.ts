/**
 * HighWater: the most memory this process had since it was made: looked at in turns of the event loop
 * and whenever it is asked. `live` is what is reachable: looked at after a collection.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export class HighWater {
  rss = 0;
  /** heapUsed and arrayBuffers, garbage included. */
  held = 0;
  private readonly timer: NodeJS.Timeout;
  private readonly collect: () => void;

  constructor() {
    setFlagsFromString("--expose-gc");
    this.collect = runInNewContext("gc") as () => void;
    this.timer = setInterval(() => this.look(), 20);
    this.timer.unref();
  }

  look(): void {
    const m = process.memoryUsage();
    this.rss = Math.max(this.rss, m.rss);
    this.held = Math.max(this.held, m.heapUsed + m.arrayBuffers);
  }

  /** Bytes that are reachable now. */
  live(): number {
    this.look();
    this.collect();
    const m = process.memoryUsage();
    return m.heapUsed + m.arrayBuffers;
  }

  stop(): void {
    clearInterval(this.timer);
    this.look();
  }

  text(): string {
    return `high-water mark: ${mib(this.held)} MiB of heap and buffers, ${mib(this.rss)} MiB resident`;
  }
}

export function mib(n: number): string {
  return (n / (1 << 20)).toFixed(1);
}
