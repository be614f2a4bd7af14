/** Memory: Linux's calls about a process's memory: brk, mmap and what changes maps. */
import { errno, got, NineError, type Steps, steps } from "../../proto/index.ts";
import { WINDOW } from "../guest/elf.ts";
import { MMAPTOP, pageUp } from "../guest/image.ts";
import { LOWEST, type Range } from "../guest/segments.ts";
import { PAGE, PROT, type Segment, type SegmentImage } from "../segment.ts";
import type { Calls } from "./call.ts";
import type { Linux } from "./linux.ts";

const MAP = { shared: 1, private: 2, type: 0xf, fixed: 0x10, anonymous: 0x20, fixedNoreplace: 0x100000 } as const;
const ALLPROT: number = PROT.read | PROT.write | PROT.exec;
const MREMAP = { mayMove: 1, fixed: 2 } as const;
/** NORMAL to FREE, DONTFORK to DODUMP, WIPEONFORK to POPULATE_WRITE. */
const KNOWNADVICE: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
const MADV = { dontneed: 4, free: 8 } as const;

/** A range as calls give it: its end in whole pages. */
function rangeOf(base: number, bytes: number): Range {
  if (base % PAGE !== 0 || base < 0 || bytes > WINDOW) throw NineError.fromErrno(errno.EINVAL);
  return { base, top: base + pageUp(bytes) };
}

function fits(l: Linux, base: number, bytes: number): boolean {
  return base >= LOWEST && base + bytes <= WINDOW && l.guest.segments.in({ base, top: base + bytes }).length === 0;
}

function imageOf(l: Linux, fd: number, offset: number, flags: number, prot: number): SegmentImage {
  const chan = l.proc.fgrp.get(fd);
  const writable = (chan.mode & 3) === 2;
  const readable = (chan.mode & 3) !== 1;
  if (!readable || chan.isDir || ((flags & MAP.type) === MAP.shared && prot & PROT.write && !writable)) throw NineError.fromErrno(chan.isDir ? errno.ENODEV : errno.EACCES);
  return { chan: chan.incref(), offset, length: Infinity };
}

/** The pages of a range are as if never touched. */
function drop(l: Linux, { base, top }: Range): void {
  const { segments } = l.guest;
  for (const s of segments.in({ base, top })) {
    if (s.shared) continue;
    segments.discard(s, Math.max(base, s.base), Math.min(top, s.top));
  }
}

/** Whether all of a range is mapped. */
function isMapped(l: Linux, { base, top }: Range): boolean {
  let at = base;
  for (const s of l.guest.segments.in({ base, top })) {
    if (s.base > at) return false;
    at = s.top;
  }
  return at >= top;
}

/** Nothing is ever taken out of RAM: a range is locked when it is there. */
function locked(l: Linux, base: number, bytes: number): number {
  if (bytes === 0) return 0;
  const from = base - (base % PAGE);
  return isMapped(l, rangeOf(from, bytes + base - from)) ? 0 : -errno.ENOMEM;
}

/** A byte for each page, 1 when it is in RAM. A range may be long: others have their turn. */
function* resident(l: Linux, base: number, bytes: number, to: number): Steps<number> {
  if (base % PAGE !== 0) return -errno.EINVAL;
  const range = rangeOf(base, bytes);
  if (bytes > 0 && !isMapped(l, range)) return -errno.ENOMEM;
  const pages = (range.top - base) / PAGE;
  const { space } = l.guest.segments;
  l.user.room(to, Math.min(pages, PAGE));
  for (let k = 0; k < pages; k += PAGE) {
    if (k > 0) yield* got(l.proc.kernel.host.yield());
    l.user.put(to + k, Uint8Array.from({ length: Math.min(PAGE, pages - k) }, (_, i) => (space.mapping(base + (k + i) * PAGE) ? 1 : 0)));
    l.proc.check();
  }
  return 0;
}

export const memory: Calls = {
  brk(l, to) {
    const { segments } = l.guest;
    const from = pageUp(l.brk);
    const top = pageUp(to);
    if (to < l.brkBase || to > WINDOW) return l.brk;
    try {
      if (top < from) segments.unmap({ base: top, top: from });
      else if (top > from) {
        if (segments.in({ base: from, top: top + PAGE }).length > 0) return l.brk;
        const heap: Segment | undefined = from > l.brkBase ? segments.find(from - 1) : undefined;
        if (heap?.type === "Bss" && heap.top === from && heap.base >= l.brkBase && heap.prot === (PROT.read | PROT.write)) segments.resize(heap, top);
        else segments.map({ type: "Bss", base: from, top, prot: PROT.read | PROT.write });
      }
      l.brk = to;
    } catch (e) {
      if (!(e instanceof NineError)) throw e;
    }
    return l.brk;
  },

  mmap(l, hint, bytes, prot, flags, fd, offset) {
    const { segments } = l.guest;
    const kind = flags & MAP.type;
    if (bytes === 0 || offset % PAGE !== 0 || offset < 0 || (kind !== MAP.shared && kind !== MAP.private && kind !== 3) || prot & ~ALLPROT) return -errno.EINVAL;
    const size = pageUp(bytes);
    if (size > WINDOW) return -errno.ENOMEM;
    let base = hint - (hint % PAGE);
    if (flags & (MAP.fixed | MAP.fixedNoreplace)) {
      if (hint % PAGE !== 0) return -errno.EINVAL;
      if (hint < LOWEST) return -errno.EPERM;
      if (hint + size > WINDOW) return -errno.ENOMEM;
      if (flags & MAP.fixedNoreplace && !fits(l, base, size)) return -errno.EEXIST;
    } else if (hint <= 0 || !fits(l, base, size)) base = segments.hole(size, MMAPTOP);
    const image = flags & MAP.anonymous ? undefined : imageOf(l, fd, offset, flags, prot);
    const shared = kind !== MAP.private;
    const type = shared ? "Shared" : prot & PROT.write || !image ? "Data" : "Text";
    segments.map({ type, base, top: base + size, prot, shared, ...(image && { image }) });
    return base;
  },

  munmap(l, base, bytes) {
    if (bytes === 0) return -errno.EINVAL;
    l.guest.segments.unmap(rangeOf(base, bytes));
    return 0;
  },

  mprotect(l, base, bytes, prot) {
    if (prot & ~ALLPROT) return -errno.EINVAL;
    if (bytes === 0) return base % PAGE === 0 ? 0 : -errno.EINVAL;
    l.guest.segments.protect(rangeOf(base, bytes), prot);
    return 0;
  },

  mremap(l, old, oldBytes, newBytes, flags) {
    const { segments } = l.guest;
    if (flags & ~MREMAP.mayMove || newBytes === 0 || oldBytes === 0) return -errno.EINVAL;
    const from = rangeOf(old, oldBytes);
    const size = pageUp(newBytes);
    const s = segments.find(old);
    if (!s || from.top > s.top || size > WINDOW) return -errno.EFAULT;
    if (from.base + size <= from.top) {
      if (from.base + size < from.top) segments.unmap({ base: from.base + size, top: from.top });
      return old;
    }
    if (s.top === from.top && segments.in({ base: s.top, top: from.base + size }).length === 0 && from.base + size <= WINDOW) {
      segments.resize(s, from.base + size);
      return old;
    }
    if (!(flags & MREMAP.mayMove)) return -errno.ENOMEM;
    return segments.move(from, segments.hole(size, MMAPTOP), size);
  },

  msync(l, base, bytes, flags) {
    if (flags & ~7 || (flags & 5) === 5) return -errno.EINVAL;
    const range = rangeOf(base, bytes);
    if (bytes > 0 && !isMapped(l, range)) return -errno.ENOMEM;
    const r = l.guest.segments.sync(range, l.proc.intr);
    return r instanceof Promise ? r.then(() => 0) : 0;
  },

  madvise(l, base, bytes, advice) {
    if (!KNOWNADVICE.has(advice)) return -errno.EINVAL;
    const range = rangeOf(base, bytes);
    if (bytes === 0) return 0;
    if (!isMapped(l, range)) return -errno.ENOMEM;
    if (advice === MADV.dontneed || advice === MADV.free) drop(l, range);
    return 0;
  },

  mincore: (l, base, bytes, to) => steps(() => resident(l, base, bytes, to)),

  mlock: locked,
  munlock: locked,
  mlock2: (l, base, bytes, flags) => (flags & ~1 ? -errno.EINVAL : locked(l, base, bytes)),
  mlockall: (_l, flags) => (flags === 0 || flags & ~7 || flags === 4 ? -errno.EINVAL : 0),
  munlockall: () => 0,
};
