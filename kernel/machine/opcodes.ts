/**
 * Opcode table of the one-byte map and the integer part of 0F: one line an instruction,
 *   [prefix] opcode[+r|+cc][/reg][/rm] mnemonic[=meaning] operands [attributes]
 * Operand codes are Intel's (SDM vol. 2, appendix A): E G M I J O Z with b w d q v y z, and so on.
 *   prefix      np, 66, f3, f2: required; an opcode with such lines is undefined with the others
 *   +r, +cc     eight opcodes, the register in the low bits; sixteen, the condition
 *   /3  /3r /3m modrm's reg field; r: only with a register; m: only with memory.  /7/1: modrm is mod 3, reg 7, rm 1
 *   meaning     what the semantic table calls it, where the mnemonic is not enough
 *   attributes  lock: LOCK is allowed with memory; d64: operand size 64 unless 66; f64: always 64
 * An opcode without a line is #UD. What ring 3 may not do is there, and means #GP.
 */
export const ONE_BYTE: string = `
63 movsxd Gv,Ed
68 push=pushi Iz d64
69 imul Gv,Ev,Iz
6a push=pushi Ibs d64
6b imul Gv,Ev,Ibs
6c insb=privileged
6d ins=privileged
6e outsb=privileged
6f outs=privileged
50+r push Zv d64
58+r pop Zv d64
70+cc j Jb f64
84 test Eb,Gb
85 test Ev,Gv
86 xchg Eb,Gb lock
87 xchg Ev,Gv lock
88 mov Eb,Gb
89 mov Ev,Gv
8a mov Gb,Eb
8b mov Gv,Ev
8c mov=movfromseg Ev,Sw
8d lea Gv,M
8e mov=movtoseg Sw,Ev
8f/0 pop Ev d64
90+r xchg Zv,Av
98 cbw=extend - v
99 cwd=spread - v
9b fwait
9c pushf - d64
9d popf - d64
9e sahf
9f lahf
a0 mov AL,Ob
a1 mov Av,Ov
a2 mov Ob,AL
a3 mov Ov,Av
a4 movsb=movs - b
a5 movs - v
a6 cmpsb=cmps - b
a7 cmps - v
a8 test AL,Ib
a9 test Av,Iz
aa stosb=stos - b
ab stos - v
ac lodsb=lods - b
ad lods - v
ae scasb=scas - b
af scas - v
b0+r mov Zb,Ib
b8+r mov Zv,Iv
c2 ret=retn Iw f64
c3 ret - f64
c6/0 mov Eb,Ib
c7/0 mov Ev,Iz
c8 enter Iw,Ib d64
c9 leave - d64
ca retf=farimm Iw
cb retf=farreturn
cc int3
cd int Ib
cf iret=farreturn
d7 xlat
e0 loopne Jb f64
e1 loope Jb f64
e2 loop Jb f64
e3 jrcxz Jb f64
e4 in=privileged AL,Ib
e5 in=privileged Az,Ib
e6 out=privileged Ib,AL
e7 out=privileged Ib,Az
e8 call Jz f64
e9 jmp Jz f64
eb jmp Jb f64
ec in=privileged AL,DX
ed in=privileged Az,DX
ee out=privileged DX,AL
ef out=privileged DX,Az
f1 int1
f4 hlt=privileged
f5 cmc
f6/0 test Eb,Ib
f6/1 test Eb,Ib
f6/2 not Eb lock
f6/3 neg Eb lock
f6/4 mul Eb
f6/5 imul=imul1 Eb
f6/6 div Eb
f6/7 idiv Eb
f7/0 test Ev,Iz
f7/1 test Ev,Iz
f7/2 not Ev lock
f7/3 neg Ev lock
f7/4 mul Ev
f7/5 imul=imul1 Ev
f7/6 div Ev
f7/7 idiv Ev
f8 clc
f9 stc
fa cli=privileged
fb sti=privileged
fc cld
fd std
fe/0 inc Eb lock
fe/1 dec Eb lock
ff/0 inc Ev lock
ff/1 dec Ev lock
ff/2 call=calli Ev f64
ff/3m call=farmem Mp
ff/4 jmp=jmpi Ev f64
ff/5m jmp=farmem Mp
ff/6 push Ev d64
${["add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"].map((name, k) => {
  const op = (n: number): string => (k * 8 + n).toString(16).padStart(2, "0");
  const lock = name === "cmp" ? "" : " lock";
  return `${op(0)} ${name} Eb,Gb${lock}\n${op(1)} ${name} Ev,Gv${lock}\n${op(2)} ${name} Gb,Eb\n${op(3)} ${name} Gv,Ev\n${op(4)} ${name} AL,Ib\n${op(5)} ${name} Av,Iz
80/${k} ${name} Eb,Ib${lock}\n81/${k} ${name} Ev,Iz${lock}\n83/${k} ${name} Ev,Ibs${lock}`;
}).join("\n")}
${["rol", "ror", "rcl", "rcr", "shl", "shr", "shl", "sar"].map((name, k) =>
  `c0/${k} ${name} Eb,Ib\nc1/${k} ${name} Ev,Ib\nd0/${k} ${name} Eb,1\nd1/${k} ${name} Ev,1\nd2/${k} ${name} Eb,CL\nd3/${k} ${name} Ev,CL`).join("\n")}
`;

/** The integer and system instructions of 0F. */
export const TWO_BYTE: string = `
0f00/0 sldt=descriptor Ev
0f00/1 str=descriptor Ev
0f00/2 lldt=privileged Ew
0f00/3 ltr=privileged Ew
0f00/4 verr=verify Ew
0f00/5 verw=verify Ew
0f01/0m sgdt=descriptor M
0f01/1m sidt=descriptor M
0f01/2m lgdt=privileged M
0f01/3m lidt=privileged M
0f01/4 smsw=descriptor Ev
0f01/6 lmsw=privileged Ew
0f01/7m invlpg=privileged M
0f01/7/0 swapgs=privileged
0f02 lar=verify Gv,Ew
0f03 lsl=verify Gv,Ew
0f05 syscall - f64
0f06 clts=privileged
0f07 sysret=privileged
0f08 invd=privileged
0f09 wbinvd=privileged
0f0b ud2
0fb9 ud1=ud2 Gv,Ev
0fff ud0=ud2 Gv,Ev
0f0d prefetchw=nop Mb
0f18/0m prefetchnta=nop Mb
0f18/1m prefetcht0=nop Mb
0f18/2m prefetcht1=nop Mb
0f18/3m prefetcht2=nop Mb
0f18/4m nop Ev
0f18/5m nop Ev
0f18/6m nop Ev
0f18/7m nop Ev
0f18/0r nop Ev
0f18/1r nop Ev
0f18/2r nop Ev
0f18/3r nop Ev
0f18/4r nop Ev
0f18/5r nop Ev
0f18/6r nop Ev
0f18/7r nop Ev
0f19 nop Ev
0f1a nop Ev
0f1b nop Ev
0f1c nop Ev
0f1d nop Ev
0f1e nop Ev
0f1f nop Ev
0f20 mov=privileged Rq,Cq f64
0f21 mov=privileged Rq,Dq f64
0f22 mov=privileged Cq,Rq f64
0f23 mov=privileged Dq,Rq f64
0f30 wrmsr=privileged
0f31 rdtsc
0f32 rdmsr=privileged
0f33 rdpmc=privileged
0f34 sysenter=sysenter
0f35 sysexit=privileged
0f40+cc cmov Gv,Ev
0f80+cc j Jz f64
0f90+cc set Eb
0fa0 push=pushseg - d64
0fa1 pop=popseg - d64
0fa2 cpuid
0fa3 bt Ev,Gv
0fa4 shld Ev,Gv,Ib
0fa5 shld Ev,Gv,CL
0fa8 push=pushseg - d64
0fa9 pop=popseg - d64
0fab bts Ev,Gv lock
0fac shrd Ev,Gv,Ib
0fad shrd Ev,Gv,CL
0faf imul Gv,Ev
0fb0 cmpxchg Eb,Gb lock
0fb1 cmpxchg Ev,Gv lock
0fb2 lss=farmem Gv,Mp
0fb3 btr Ev,Gv lock
0fb4 lfs=farmem Gv,Mp
0fb5 lgs=farmem Gv,Mp
0fb6 movzx=movzxb Gv,Eb
0fb7 movzx=movzxw Gv,Ew
f3 0fb8 popcnt Gv,Ev
0fba/4 bt Ev,Ib
0fba/5 bts Ev,Ib lock
0fba/6 btr Ev,Ib lock
0fba/7 btc Ev,Ib lock
0fbb btc Ev,Gv lock
0fbc bsf Gv,Ev
0fbd bsr Gv,Ev
0fbe movsx=movsxb Gv,Eb
0fbf movsx=movsxw Gv,Ew
0fc0 xadd Eb,Gb lock
0fc1 xadd Ev,Gv lock
np 0fc3 movnti My,Gy
0fc7/1m cmpxchg8b My lock
0fc8+r bswap Zv
f2 0f38f0 crc32=crc32b Gd,Eb
f2 0f38f1 crc32 Gd,Ev
np 0fae/0m fxsave M
np 0fae/1m fxrstor M
np 0fae/2m ldmxcsr Md
np 0fae/3m stmxcsr Md
np 0fae/7m clflush Mb
np 0fae/5r lfence=nop
np 0fae/6r mfence=nop
np 0fae/7r sfence=nop
`;
