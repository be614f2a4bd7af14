/**
 * Opcode table of MMX and SSE to SSE4.2, in the language of opcodes.ts. P and Q are MMX registers (Q may
 * be memory), N an MMX register only; V and W xmm registers (W may be memory), U only a register. The
 * letter behind says how much of memory is touched: x all 16 bytes, aligned; u 16, any address; q 8; d 4; w 2; b 1.
 * With pcmpestr y says that REX.W widens the lengths. Lines of `both` have an MMX form without prefix and an xmm form with 66.
 */
const both = (lines: string): string => lines.trim().split("\n").map((line) => {
  const [op, name, rest = ""] = line.split(" ");
  return `np ${op} ${name} Pq,Qq${rest}\n66 ${op} ${name} Vx,Wx${rest}`;
}).join("\n");
/** Packed and scalar, single and double: four lines. */
const four = (lines: string): string => lines.trim().split("\n").map((line) => {
  const [op, name, rest = ""] = line.split(" ");
  return `np ${op} ${name}ps Vx,Wx${rest}\n66 ${op} ${name}pd Vx,Wx${rest}\nf3 ${op} ${name}ss Vd,Wd${rest}\nf2 ${op} ${name}sd Vq,Wq${rest}`;
}).join("\n");

export const SSE: string = `
np 0f10 movups Vx,Wu
66 0f10 movupd=movups Vx,Wu
f3 0f10 movss Vd,Wd
f2 0f10 movsd Vq,Wq
np 0f11 movups Wu,Vx
66 0f11 movupd=movups Wu,Vx
f3 0f11 movss Wd,Vd
f2 0f11 movsd Wq,Vq
np 0f12/m movlps Vq,Mq
np 0f12/r movhlps Vq,Uq
66 0f12/m movlpd=movlps Vq,Mq
f3 0f12 movsldup Vx,Wx
f2 0f12 movddup Vx,Wq
np 0f13/m movlps Mq,Vq
66 0f13/m movlpd=movlps Mq,Vq
np 0f14 unpcklps Vx,Wx
66 0f14 unpcklpd Vx,Wx
np 0f15 unpckhps Vx,Wx
66 0f15 unpckhpd Vx,Wx
np 0f16/m movhps Vq,Mq
np 0f16/r movlhps Vq,Uq
66 0f16/m movhpd=movhps Vq,Mq
f3 0f16 movshdup Vx,Wx
np 0f17/m movhps Mq,Vq
66 0f17/m movhpd=movhps Mq,Vq
np 0f28 movaps Vx,Wx
66 0f28 movapd=movaps Vx,Wx
np 0f29 movaps Wx,Vx
66 0f29 movapd=movaps Wx,Vx
np 0f2a cvtpi2ps Vq,Qq
66 0f2a cvtpi2pd Vx,Qq
f3 0f2a cvtsi2ss Vd,Ey
f2 0f2a cvtsi2sd Vq,Ey
np 0f2b/m movntps=movaps Mx,Vx
66 0f2b/m movntpd=movaps Mx,Vx
np 0f2c cvttps2pi Pq,Wq
66 0f2c cvttpd2pi Pq,Wx
f3 0f2c cvttss2si Gy,Wd
f2 0f2c cvttsd2si Gy,Wq
np 0f2d cvtps2pi Pq,Wq
66 0f2d cvtpd2pi Pq,Wx
f3 0f2d cvtss2si Gy,Wd
f2 0f2d cvtsd2si Gy,Wq
np 0f2e ucomiss Vd,Wd
66 0f2e ucomisd Vq,Wq
np 0f2f comiss Vd,Wd
66 0f2f comisd Vq,Wq
np 0f50/r movmskps Gd,Ux
66 0f50/r movmskpd Gd,Ux
${four("0f51 sqrt\n0f58 add\n0f59 mul\n0f5c sub\n0f5d min\n0f5e div\n0f5f max\n0fc2 cmp ,Ib")}
np 0f52 rsqrtps Vx,Wx
f3 0f52 rsqrtss Vd,Wd
np 0f53 rcpps Vx,Wx
f3 0f53 rcpss Vd,Wd
np 0f54 andps Vx,Wx
66 0f54 andpd=andps Vx,Wx
np 0f55 andnps Vx,Wx
66 0f55 andnpd=andnps Vx,Wx
np 0f56 orps Vx,Wx
66 0f56 orpd=orps Vx,Wx
np 0f57 xorps Vx,Wx
66 0f57 xorpd=xorps Vx,Wx
np 0f5a cvtps2pd Vx,Wq
66 0f5a cvtpd2ps Vx,Wx
f3 0f5a cvtss2sd Vq,Wd
f2 0f5a cvtsd2ss Vd,Wq
np 0f5b cvtdq2ps Vx,Wx
66 0f5b cvtps2dq Vx,Wx
f3 0f5b cvttps2dq Vx,Wx
np 0f60 punpcklbw Pq,Qd
66 0f60 punpcklbw Vx,Wx
np 0f61 punpcklwd Pq,Qd
66 0f61 punpcklwd Vx,Wx
np 0f62 punpckldq Pq,Qd
66 0f62 punpckldq Vx,Wx
${both(`0f63 packsswb
0f64 pcmpgtb
0f65 pcmpgtw
0f66 pcmpgtd
0f67 packuswb
0f68 punpckhbw
0f69 punpckhwd
0f6a punpckhdq
0f6b packssdw
0f70 pshuf ,Ib
0f74 pcmpeqb
0f75 pcmpeqw
0f76 pcmpeqd
0fd1 psrlw
0fd2 psrld
0fd3 psrlq
0fd4 paddq
0fd5 pmullw
0fd8 psubusb
0fd9 psubusw
0fda pminub
0fdb pand
0fdc paddusb
0fdd paddusw
0fde pmaxub
0fdf pandn
0fe0 pavgb
0fe1 psraw
0fe2 psrad
0fe3 pavgw
0fe4 pmulhuw
0fe5 pmulhw
0fe8 psubsb
0fe9 psubsw
0fea pminsw
0feb por
0fec paddsb
0fed paddsw
0fee pmaxsw
0fef pxor
0ff1 psllw
0ff2 pslld
0ff3 psllq
0ff4 pmuludq
0ff5 pmaddwd
0ff6 psadbw
0ff8 psubb
0ff9 psubw
0ffa psubd
0ffb psubq
0ffc paddb
0ffd paddw
0ffe paddd
0f3800 pshufb
0f3801 phaddw
0f3802 phaddd
0f3803 phaddsw
0f3804 pmaddubsw
0f3805 phsubw
0f3806 phsubd
0f3807 phsubsw
0f3808 psignb
0f3809 psignw
0f380a psignd
0f380b pmulhrsw
0f381c pabsb
0f381d pabsw
0f381e pabsd
0f3a0f palignr ,Ib`).replace("np 0f70 pshuf ", "np 0f70 pshufw ").replace("66 0f70 pshuf ", "66 0f70 pshufd ")}
f3 0f70 pshufhw Vx,Wx,Ib
f2 0f70 pshuflw Vx,Wx,Ib
66 0f6c punpcklqdq Vx,Wx
66 0f6d punpckhqdq Vx,Wx
np 0f6e movd Py,Ey
66 0f6e movd Vy,Ey
np 0f6f movq Pq,Qq
66 0f6f movdqa=movaps Vx,Wx
f3 0f6f movdqu=movups Vx,Wu
${[["71", "w"], ["72", "d"], ["73", "q"]].flatMap(([op, w]) => [["2", "psrl"], ["4", "psra"], ["6", "psll"]].map(([reg, n]) =>
  (op === "73" && reg === "4" ? "" : `np 0f${op}/${reg}r ${n}${w} Nq,Ib\n66 0f${op}/${reg}r ${n}${w} Ux,Ib`))).join("\n")}
66 0f73/3r psrldq Ux,Ib
66 0f73/7r pslldq Ux,Ib
np 0f77 emms
66 0f7c haddpd Vx,Wx
f2 0f7c haddps Vx,Wx
66 0f7d hsubpd Vx,Wx
f2 0f7d hsubps Vx,Wx
np 0f7e movd Ey,Py
66 0f7e movd Ey,Vy
f3 0f7e movq Vq,Wq
np 0f7f movq Qq,Pq
66 0f7f movdqa=movaps Wx,Vx
f3 0f7f movdqu=movups Wu,Vx
np 0fc4 pinsrw Pq,Rdw,Ib
66 0fc4 pinsrw Vx,Rdw,Ib
np 0fc5/r pextrw Gd,Nq,Ib
66 0fc5/r pextrw Gd,Ux,Ib
np 0fc6 shufps Vx,Wx,Ib
66 0fc6 shufpd Vx,Wx,Ib
66 0fd0 addsubpd Vx,Wx
f2 0fd0 addsubps Vx,Wx
66 0fd6 movq Wq,Vq
f3 0fd6/r movq2dq Vq,Nq
f2 0fd6/r movdq2q Pq,Uq
np 0fd7/r pmovmskb Gd,Nq
66 0fd7/r pmovmskb Gd,Ux
66 0fe6 cvttpd2dq Vx,Wx
f3 0fe6 cvtdq2pd Vx,Wq
f2 0fe6 cvtpd2dq Vx,Wx
np 0fe7/m movntq=movq Mq,Pq
66 0fe7/m movntdq=movaps Mx,Vx
f2 0ff0/m lddqu=movups Vx,Mu
np 0ff7/r maskmovq Pq,Nq
66 0ff7/r maskmovdqu Vx,Ux
66 0f3810 pblendvb Vx,Wx
66 0f3814 blendvps Vx,Wx
66 0f3815 blendvpd Vx,Wx
66 0f3817 ptest Vx,Wx
66 0f3820 pmovsxbw Vx,Wq
66 0f3821 pmovsxbd Vx,Wd
66 0f3822 pmovsxbq Vx,Ww
66 0f3823 pmovsxwd Vx,Wq
66 0f3824 pmovsxwq Vx,Wd
66 0f3825 pmovsxdq Vx,Wq
66 0f3828 pmuldq Vx,Wx
66 0f3829 pcmpeqq Vx,Wx
66 0f382a/m movntdqa=movaps Vx,Mx
66 0f382b packusdw Vx,Wx
66 0f3830 pmovzxbw Vx,Wq
66 0f3831 pmovzxbd Vx,Wd
66 0f3832 pmovzxbq Vx,Ww
66 0f3833 pmovzxwd Vx,Wq
66 0f3834 pmovzxwq Vx,Wd
66 0f3835 pmovzxdq Vx,Wq
66 0f3837 pcmpgtq Vx,Wx
${"pminsb pminsd pminuw pminud pmaxsb pmaxsd pmaxuw pmaxud pmulld phminposuw".split(" ").map((n, k) => `66 0f38${(0x38 + k).toString(16)} ${n} Vx,Wx`).join("\n")}
66 0f3a08 roundps Vx,Wx,Ib
66 0f3a09 roundpd Vx,Wx,Ib
66 0f3a0a roundss Vd,Wd,Ib
66 0f3a0b roundsd Vq,Wq,Ib
66 0f3a0c blendps Vx,Wx,Ib
66 0f3a0d blendpd Vx,Wx,Ib
66 0f3a0e pblendw Vx,Wx,Ib
66 0f3a14 pextrb Rdb,Vx,Ib
66 0f3a15 pextrw Rdw,Vx,Ib
66 0f3a16 pextrd=pextr Ey,Vx,Ib
66 0f3a17 extractps Ed,Vx,Ib
66 0f3a20 pinsrb Vx,Rdb,Ib
66 0f3a21 insertps Vx,Wd,Ib
66 0f3a22 pinsrd=pinsr Vx,Ey,Ib
66 0f3a40 dpps Vx,Wx,Ib
66 0f3a41 dppd Vx,Wx,Ib
66 0f3a42 mpsadbw Vx,Wx,Ib
66 0f3a60 pcmpestrm Vx,Wy,Ib
66 0f3a61 pcmpestri Vx,Wy,Ib
66 0f3a62 pcmpistrm Vx,Wu,Ib
66 0f3a63 pcmpistri Vx,Wu,Ib
`;
