/**
 * Which handlers are in the interpreter's hot function, the most frequent in real programs. [b]: memory
 * operands without index, [x]: with one; "jcc" behind a comparison: fused with the jump. V8 on Node 20
 * allocates registers worse beyond about 330 handlers: what comes in must push something out.
 */
const cross = (...lists: readonly (readonly string[])[]): string[] => lists.reduce<string[]>((all, list) => all.flatMap((a) => list.map((b) => a + b)), [""]);
const words = (s: string): string[] => s.split(" ");

const JCC = words("jb jae je jne jbe ja js jns jl jge jle jg");
/** Conditions that are worth a handler of their own behind a comparison. */
const FUSED = words("jb jae je jne jbe ja jl jge jle jg");

export const HOT: readonly string[] = [
  ...cross(["mov"], [".4", ".8"], [" rr", " ri", " rm [b]", " rm [x]", " mr [b]", " mr [x]", " mi [b]"]),
  ...words("mov.1_rm_[b] mov.1_rm_[x] mov.1_mr_[b] mov.1_mr_[x] mov.1_mi_[b] mov.1_mi_[x] mov.2_mr_[b] mov.1_rr mov.1_ri").map((s) => s.replaceAll("_", " ")),
  ...cross(["movzxb.4", "movzxw.4", "movsxb.4", "movsxd.8", "movzxb.8"], [" rr", " rm [b]"]),
  "movzxb.4 rm [x]", "movzxw.4 rm [x]", "movsxd.8 rm [x]",
  ...cross(["lea"], [".4", ".8"], [" rm [b]", " rm [x]"]),
  ...cross(["add", "sub", "and", "or", "xor"], [".4", ".8"], [" rr", " ri", " rm [b]"]),
  ...cross(["add", "sub"], [".4", ".8"], [" mr [b]", " mi [b]"]),
  "or.4 mr [b]", "or.4 mi [b]", "and.4 mi [b]", "and.1 ri", "or.1 rr", "add.8 rm [x]", "add.4 rm [x]", "xor.4 rm [x]", "xor.8 rm [x]", "or.1 mi [b]", "add.1 ri",
  ...cross(["cmp"], [".4", ".8"], [" rr", " ri", " rm [b]", " mr [b]", " mi [b]"]),
  ...cross(["test"], [".4", ".8"], [" rr", " ri"]), "cmp.1 ri", "cmp.1 mi [b]", "cmp.1 mi [x]", "cmp.1 rr", "test.1 rr", "test.1 ri", "test.1 mi [b]", "cmp.2 ri",
  "adc.8 rr", "adc.8 ri", "sbb.4 rr", "cmp.1 rm [b]", "cmp.1 mr [b]", "cmp.8 rm [x]",
  ...cross(["shl", "shr", "sar"], [".4", ".8"], [" ri"]), "shl.8 rc", "shr.8 rc", "shl.4 rc", "shr.4 rc", "rol.4 ri", "ror.4 ri", "rol.8 ri", "shr.1 ri",
  "imul.8 rr", "imul.4 rr", "imul.8 rri", "imul.4 rri", "imul.8 rm [b]", "imul.4 rm [b]", "mul.8 r",
  "neg.4 r", "neg.8 r", "not.4 r", "not.8 r", "inc.4 r", "dec.4 r", "inc.8 r", "dec.8 r", "inc.4 m [b]", "bsf.4 rr", "bsf.8 rr",
  "push.8 r", "pop.8 r", "push.8 m [b]", "pushi.8 i", "leave.8",
  ...cross(["cmov"], words("b ae e ne be a"), [".4 rr", ".8 rr"]), ...cross(["cmov"], words("s l le g"), [".4 rr"]),
  ...cross(["set"], words("e ne b a l g"), [".1 r"]),
  "extend.8", "spread.4", "spread.8", "bt.8 rr", "bt.4 ri", "nop", "nop.4 m", "nop.2 m",
  ..."movups mx [b],movups xm [b],movups xm [x],movups mx [x],movaps mx [b],movaps xm [b],movaps xx,pxor xx,movd.8 xr,movd.4 xr,movq mx [b],pcmpeqb xx,pcmpeqb xm [b],pmovmskb rx,punpcklqdq xx,por xx,pshufd xxi,paddq xx,pmuludq xx,psllq xi,psrlq xi,unpcklpd xx,addpd xx,mulpd xm [x],movsd xm [b],movsd xm [x],movsd mx [b],addsd xx,addsd xm [b],subsd xx,mulsd xx,mulsd xm [b],comisd xx,cvtsi2sd.4 xr".split(","),
  ...JCC.map((j) => `${j}.8 j`), "jmp.8 j", "call.8 j", "ret.8", "jmpi.8 r", "jmpi.8 m [b]", "jmpi.8 m [x]", "calli.8 r", "calli.8 m [b]", "goto", "far",
  ...cross(["cmp"], [".4", ".8"], [" rr ", " ri "], FUSED),
  ...cross(["cmp.1 ri "], words("jb jae je jne jbe ja jle jg")), ...cross(["cmp.1 mi [b] "], words("je jne")), ...cross(["cmp.4 mi [b] "], words("je jne jle jg")), ...cross(["cmp.8 mi [b] "], words("je jne")),
  ...cross(["cmp.8 rm [b] ", "cmp.4 rm [b] ", "cmp.8 mr [b] "], words("je jne jb jae")), ...cross(["cmp.1 rr ", "cmp.1 rm [b] "], words("je jne")), "test.4 mi [b] je", "test.4 mi [b] jne",
  ...cross(["test"], [".4", ".8"], [" rr "], words("je jne js jns jle jg")), ...cross(["test.1 rr ", "test.1 ri ", "test.1 mi [b] ", "test.4 ri "], words("je jne")),
];

/** Forms outside the hot function that most programs meet, nearly all of them before main: the package has their code in one module. */
export const WARM: readonly string[] = [
  "bad,bsr.4 rr,calli.8 m,cmove.8 rm,cmovns.8 rr,cmp.1 mr,cmp.2 rm,cmpxchg.4 mr,cpuid,div.8 m,div.8 r,idiv.8 r,movhps xm,movq xm,nop.2 m,nop.4 m,nop.4 r,pand xx,pcmpeqd xx,pshufd xxi",
  "pslldq xi,psubb xx,punpcklbw xx,punpckldq xx,punpcklwd xx,rep stos.8,rol.8 ri,sar.4 rc,sar.8 rc,sbb.8 rr,stale,syscall.8,test.2 rr,toolong,xchg.4 mr,xchg.8 mr,xor.1 rr,movd.4 xm",
  "rep stos.4,rep stos.1,test.4 mi,mov.2 mr,or.1 ri,por xx,test.1 mi,movd.8 rx,and.1 rr,mov.1 mi,mov.2 rm,pminub xx,and.8 mi,dec.4 m,cmovs.8 rr,movsxb.8 rm,cmovg.8 rr,cmovge.4 rr",
  "pshufb xx,and.1 mi,cmove.4 rm,cmovle.8 rr,mov.2 mi,mov.4 mi,movaps xm,or.4 mr,or.8 mi,pcmpistri xxi,pminub xm,rep movs.1,and.2 ri,and.8 rm,bsr.8 rm,bt.4 mi,cmovl.8 rr,cmovle.4 rm",
  "cmp.4 mi,div.4 r,movaps mx,movsxb.4 rm,movups mx,or.8 mr,por xm,psubd xx,sete.1 m,setle.1 r,setne.1 m,seto.1 r,shld.8 rrc,sub.1 rr,xorps xx",
].flatMap((line) => line.split(","));
