# The checks of one suite; A, B, C and D are the same directory by four connections: A and B without a
# cache, C with one for maps, D with one for all (init.sh). Calls of `probe` are explained at its head.
# Names of checks are unique, and so are the files they make. While a file is open v9fs believes the name
# it was opened by, and Tgetlock asks for a write lock whatever was asked: no check wants more.
cd "$A"
n255=$(printf '%0255d' 0)

say "files $suite"
t create probe open a create wcx 644 , close a , stat create type=f size=0 mode=644 nlink=1
t create-umask probe umask 027 , open a create-umask wc 666 , stat create-umask mode=640 , mkdir create-umask-d 777 , stat create-umask-d mode=750
t create-again probe open a create-again wc , write a x , open b create-again wc , fstat b size=1
t create-exclusive probe open a create-excl wcx , '!EEXIST' open b create-excl wcx , mkdir create-excl-d , '!EEXIST' open b create-excl-d wcx
t create-readonly probe open a create-ro +c 444 , write a x , pread a 0 x , stat create-ro mode=444
t open-none probe '!ENOENT' open a none r , '!ENOENT' open a none w , '!ENOENT' open a none/f wc , '!ENOENT' stat none
t open-notdir probe open a notdir wc , '!ENOTDIR' open b notdir/f r , '!ENOTDIR' open b notdir/f wc , '!ENOTDIR' stat notdir/f , '!ENOTDIR' open b notdir rd , '!ENOTDIR' mkdir notdir/d
t open-isdir probe mkdir isdir , '!EISDIR' open a isdir w , '!EISDIR' open a isdir + , open a isdir r , '!EISDIR' pread a 0 x
t open-modes probe open a modes +c , write a abc , open r modes r , '!EBADF' write r x , open w modes w , '!EBADF' pread w 0 a
t write-read probe open a write-read +c , write a hello , pread a 0 hello , pread a 1 ello , eof a 5 , eof a 1000000 , fstat a size=5
t write-at probe open a write-at +c , pwrite a 10000 end , fstat a size=10003 , zeros a 0 10000 , pread a 10000 end
t write-over probe open a write-over +c , write a 0123456789 , pwrite a 3 abc , pread a 0 012abc6789 , fstat a size=10
t write-seen probe open a seen wc , open b "$B/seen" r , write a one , read b one , write a two , read b two , eof b 6 , stat "$B/seen" size=6
t offset probe open a offset +c , write a hello , seek a 1 set , read a ell , seek a -1 end , read a o , seek a -4 cur , read a ello
append_shell() { echo one > append-sh && echo two >> append-sh && echo three >> append-sh && [ "$(cat append-sh)" = "$(printf 'one\ntwo\nthree')" ]; }
t append-shell append_shell
t append probe open a append +ca , write a one , seek a 0 set , write a two , pread a 0 onetwo
t append-behind probe open a append2 wca , open b "$B/append2" wa , write a one , write b two , write a three , open r append2 r , read r onetwothree
t append-writers probe appenders 4 50 append3 "$B/append3"
t trunc-open probe open a trunc1 wc , write a hello , open b trunc1 wt , fstat a size=0 , write b x , stat trunc1 size=1
t trunc-up probe open a trunc2 +c , write a hello , trunc trunc2 9000 , fstat a size=9000 , pread a 0 hello , zeros a 5 8995
t trunc-down probe open a trunc3 +c , write a hello , trunc trunc3 2 , fstat a size=2 , pread a 0 he , eof a 2 , trunc trunc3 0 , eof a 0
t trunc-down-up probe open a trunc4 +c , write a hello , trunc trunc4 2 , trunc trunc4 5 , pread a 0 he , zeros a 2 3
t ftrunc probe open a trunc5 +c , write a hello , ftrunc a 3 , fstat a size=3 , ftrunc a 5000 , zeros a 3 4997
t ftrunc-readonly probe open a trunc6 wc 444 , write a hello , ftrunc a 1 , open r trunc6 r , '!EINVAL' ftrunc r 0 , fstat r size=1
t trunc-refused probe mkdir trunc7 , '!EISDIR' trunc trunc7 0 , '!ENOENT' trunc trunc8 0 , open a trunc9 wc , '!EINVAL' trunc trunc9 -1
t trunc-seen probe open a trunc10 wc , write a hello , stat "$B/trunc10" size=5 , trunc trunc10 1 , stat "$B/trunc10" size=1 , trunc "$B/trunc10" 7 , fstat a size=7
t sparse probe open a sparse +c , pwrite a 5368709120 end , fstat a size=5368709123 , pread a 5368709120 end , zeros a 4294967290 20 , zeros a 0 100 , pwrite a 4294967295 xy , pread a 4294967294 '' , pread a 4294967295 xy , stat "$B/sparse" size=5368709123
t sparse-trunc probe open a sparse2 +c , ftrunc a 1099511627776 , fstat a size=1099511627776 , zeros a 1099511627000 776 , ftrunc a 4294967297 , fstat a size=4294967297
t sparse-blocks probe open a sparse3 +c , pwrite a 5368709120 end , fstat a 'blocks<10000' , ftrunc a 1099511627776 , fstat a 'blocks<10000'
t direct probe open a direct +cD , write a hello , pread a 0 hello
t sync-flag probe open a osync +cs , write a hello , pread a 0 hello
t fsync probe open a fsync wc , write a hello , fsync a , fdatasync a , open r fsync r , fsync r , fdatasync r
t fsync-dir probe mkdir fsync-d , open a fsync-d rd , fsync a , fdatasync a
dd_pieces() { dd if=/bin/probe of=pieces bs=4097 2>/dev/null && dd if=pieces bs=65536 2>/dev/null | cmp - /bin/probe && dd if=pieces bs=100003 2>/dev/null | cmp - /bin/probe; }
t write-pieces dd_pieces
dd_inside() { printf 0123456789 > inside && printf abc | dd of=inside bs=1 seek=4 conv=notrunc 2>/dev/null && [ "$(cat inside)" = 0123abc789 ]; }
t write-inside dd_inside

say "directories $suite"
t mkdir probe mkdir d1 755 , stat d1 type=d mode=755 , '!EEXIST' mkdir d1 , list d1 0 , rmdir d1 , '!ENOENT' stat d1
t mkdir-refused probe '!ENOENT' mkdir d2/d3 , open a d4 wc , '!EEXIST' mkdir d4 , '!ENOTDIR' mkdir d4/d5
t mkdir-nlink probe mkdir d6 , stat d6 nlink=2 , mkdir d6/d7 , stat d6 nlink=3 , rmdir d6/d7 , stat d6 nlink=2
t mkdir-seen probe mkdir "$B/d8" , stat d8 type=d , open a d8/f wc , list "$B/d8" 1 , unlink "$B/d8/f" , list d8 0 , rmdir d8 , '!ENOENT' stat "$B/d8"
t rmdir-nonempty probe mkdir d9 , open a d9/f wc , '!ENOTEMPTY' rmdir d9 , unlink d9/f , rmdir d9
t rmdir-nonempty-behind probe mkdir d10 , list d10 0 , open a "$B/d10/f" wc , '!ENOTEMPTY' rmdir d10
t rmdir-refused probe open a d11 wc , '!ENOTDIR' rmdir d11 , '!ENOENT' rmdir d12 , mkdir d13 , '!EINVAL' rmdir d13/. , '!ENOTEMPTY' rmdir d13/..
t unlink-refused probe mkdir d14 , '!EISDIR' unlink d14 , '!ENOENT' unlink d15 , stat d14 type=d
t rmdir-open probe mkdir d16 , empty d16
t readdir-types probe mkdir d17 , mkdir d17/d , open a d17/f wc , open a d17/g wc , listtypes d17 , list d17 3
t readdir-dots probe mkdir d20 , dots d20 , open a d20/f wc , dots d20
t readdir-rewind probe many d18 20 , rewind d18
t readdir-seek probe many d21 20 , seekdir d21
t readdir-long-names probe mkdir d19 , open a "d19/$n255" wc , open a "d19/b${n255#?}" wc , open a d19/c wc , list d19 3
# Each file made here is seven messages; where it is not what is asked, most are made behind the mounts.
case $suite in
host.L | ram.L) crowd=5000 ;;
*) crowd=500 ;;
esac
t many-make probe many many "$crowd"
t many-list probe list many "$crowd"
t many-list-seen probe list "$B/many" "$crowd"
many_names() { set -- many/*; [ $# = "$crowd" ] && [ "$(printf '%s\n' "$@" | sort -u | wc -l)" = "$crowd" ] && [ "$1" = many/entry-0 ]; }
t many-names many_names
t many-drain probe drain many
many_behind() { host many many2 5000 && probe list many2 5000 , list "$B/many2" 5000 && [ "$(echo many2/* | wc -w)" = 5000 ]; }
t many-behind many_behind
t deep probe mkdir deep , chdir deep , deep 40 20
t deeper-than-path-max probe mkdir deep2 , chdir deep2 , deep 60 200
long_path() {
	p=$A/long
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do p=$p/$(printf '%0210d' "$i"); done
	mkdir -p "$p" || return
	p=$p/$(printf "%0$((4094 - ${#p}))d" 0)
	[ ${#p} = 4095 ] && echo long > "$p" && [ "$(cat "$p")" = long ] && [ "$(cat "$B/${p#"$A"/}")" = long ] && probe '!ENAMETOOLONG' stat "${p}x" && rm -r long
}
t path-max long_path
walk_17() {
	p=w1/w2/w3/w4/w5/w6/w7/w8/w9/w10/w11/w12/w13/w14/w15/w16/w17/w18/w19/w20/w21/w22/w23/w24/w25/w26/w27/w28/w29/w30/w31/w32/w33/w34
	mkdir -p "$p" && echo hi > "$p/f" && echo 2 > /proc/sys/vm/drop_caches && [ "$(cat "$p/f")" = hi ] && probe as 61001 , open a "$B/$p/f" r , read a hi , '!ENOENT' stat "$B/$p/none/f"
}
t deep-walk walk_17
t dotdot probe mkdir dd1 , mkdir dd1/dd2 , open a dd1/f wc , stat dd1/dd2/../f type=f , stat ./dd1/./dd2 type=d , same dd1/dd2/.. dd1 , same "$A/dd1/../../$suite" .

say "rename $suite"
t rename probe open a r1 wc , write a x , rename r1 r2 , '!ENOENT' stat r1 , stat r2 size=1 , fstat a size=1 , write a y , stat r2 size=2
t rename-over probe open a r3 wc , write a new , open b r4 +c , write b old! , rename r3 r4 , '!ENOENT' stat r3 , stat r4 size=3 , pread b 0 old!
t rename-over-fstat probe open a r5 wc , open b r6 +c , write b old , rename r5 r6 , fstat b size=3 nlink=0
t rename-other-dir probe mkdir r7 , open a r8 wc , write a x , rename r8 r7/r9 , '!ENOENT' stat r8 , stat r7/r9 size=1 , rename r7/r9 r10 , stat r10 size=1 , list r7 0
t rename-over-other-dir probe mkdir r11 , open a r11/x wc , open b r12 wc , write b x , rename r12 r11/x , stat r11/x size=1
t rename-dir probe mkdir r13 , open a r13/f +c , write a x , rename r13 r14 , '!ENOENT' stat r13 , stat r14/f size=1 , write a y , pread a 0 xy , open b r14/g wc , list r14 2
t rename-dir-deeper probe mkdir r15 , mkdir r16 , open a r15/f wc , rename r15 r16/r17 , stat r16/r17/f type=f , stat r16 nlink=3 , rename r16/r17 r18 , stat r18/f type=f , stat r16 nlink=2
t rename-dir-over-empty probe mkdir r19 , open a r19/f wc , mkdir r20 , rename r19 r20 , stat r20/f type=f , '!ENOENT' stat r19
t rename-dir-over-full probe mkdir r21 , mkdir r22 , open a r22/f wc , '!ENOTEMPTY' rename r21 r22 , stat r21 type=d , stat r22/f type=f
t rename-dir-over-file probe mkdir r23 , open a r24 wc , '!ENOTDIR' rename r23 r24 , stat r24 type=f
t rename-file-over-dir probe open a r25 wc , mkdir r26 , '!EISDIR' rename r25 r26 , stat r25 type=f
t rename-into-itself probe mkdir r27 , '!EINVAL' rename r27 r27/r28 , stat r27 type=d
t rename-none probe '!ENOENT' rename r29 r30 , open a r31 wc , '!ENOENT' rename r31 r32/r33 , '!ENOTDIR' rename r31 r31/x
t rename-itself probe open a r34 wc , write a x , rename r34 r34 , stat r34 size=1
t rename-cross-device probe open a r35 wc , '!EXDEV' rename r35 "$B/r36" , '!EXDEV' rename r35 /tmp/r36
t rename-seen probe open a r37 wc , close a , stat "$B/r37" type=f , rename r37 r38 , '!ENOENT' stat "$B/r37" , stat "$B/r38" type=f , rename "$B/r38" "$B/r39" , '!ENOENT' stat r38 , stat r39 type=f
t rename-long probe open a r40 wc , rename r40 "r${n255#?}" , stat "r${n255#?}" type=f , '!ENAMETOOLONG' rename "r${n255#?}" "r$n255"
mv_dir() { mkdir mv1 mv2 && echo x > mv1/f && mv mv1 mv2 && [ "$(cat mv2/mv1/f)" = x ] && mv mv2/mv1/f mv3 && [ "$(cat mv3)" = x ] && [ -z "$(ls mv2/mv1)" ]; }
t mv mv_dir

say "links $suite"
t link probe open a l1 +c , write a x , link l1 l2 , stat l1 nlink=2 , stat l2 nlink=2 size=1 , same l1 l2 , fstat a nlink=2 , open b l2 w , write b y , pread a 0 y
t link-unlink probe open a l3 wc , link l3 l4 , unlink l3 , stat l4 nlink=1 , fstat a nlink=1 , '!ENOENT' stat l3
t link-refused probe open a l5 wc , open b l6 wc , '!EEXIST' link l5 l6 , '!ENOENT' link l7 l8 , mkdir l9 , '!EPERM' link l9 l10 , '!ENOENT' link l5 l11/l12 , '!EXDEV' link l5 "$B/l13"
t link-other-dir probe mkdir l14 , open a l15 wc , link l15 l14/l16 , unlink l15 , stat l14/l16 nlink=1 , rename l14/l16 l17 , stat l17 nlink=1
t link-rename probe open a l18 wc , link l18 l19 , rename l18 l19 , stat l18 nlink=2 , stat l19 nlink=2
t link-rename-over probe open a l20 wc , link l20 l21 , open b l22 wc , rename l22 l20 , stat l21 nlink=1 , fstat a nlink=1
t link-seen probe open a l23 wc , link l23 l24 , stat "$B/l24" nlink=2 , same "$B/l23" "$B/l24" , unlink "$B/l23" , stat l24 nlink=1
t symlink probe symlink s-target s1 , lstat s1 type=l size=8 , readlink s1 s-target , '!EEXIST' symlink x s1 , '!EEXIST' mkdir s1
t symlink-follow probe open a s2 wc , write a hello , symlink s2 s3 , stat s3 type=f size=5 , open b s3 r , read b hello , '!ELOOP' open c s3 rn , trunc s3 2 , stat s2 size=2
t symlink-absolute probe symlink /tmp/s-abs s4 , '!ENOENT' stat s4 , open a /tmp/s-abs wc , write a x , stat s4 size=1 , unlink s4 , unlink /tmp/s-abs
t symlink-dangling probe symlink s5-none s5 , '!ENOENT' open a s5 r , '!EEXIST' open a s5 wcx , open a s5 wc , write a x , stat s5-none size=1
t symlink-loop probe symlink s6 s7 , symlink s7 s6 , '!ELOOP' stat s6 , '!ELOOP' open a s7 r , lstat s6 type=l
t symlink-dir probe mkdir s8 , open a s8/f wc , symlink s8 s9 , stat s9/f type=f , list s9 1 , symlink ../s8/f s8/up , stat s8/up type=f , stat s9/up type=f
t symlink-refused probe open a s10 wc , '!EINVAL' readlink s10 x , '!ENOENT' symlink x s11/s12 , '!ENOENT' readlink s13 x
t symlink-unlink probe open a s14 wc , symlink s14 s15 , unlink s15 , stat s14 type=f , symlink s14 s16 , rename s16 s17 , readlink s17 s14 , '!ENOENT' lstat s16
symlink_long() { x=$(printf '%04000d' 0); probe symlink "$x" s18 , readlink s18 "$x" , lstat s18 size=4000; }
t symlink-long symlink_long
t symlink-odd probe symlink 'a  b/ü/文 "' s19 , readlink s19 'a  b/ü/文 "' , symlink "$(printf '\377\376')" s20 , readlink s20 "$(printf '\377\376')"
t symlink-seen probe symlink one s21 , readlink "$B/s21" one , unlink s21 , symlink two s21 , readlink "$B/s21" two
t symlink-nofollow-times probe symlink none s22 , lutimes s22 1000 2000 , lstat s22 mtime=2000 , lchown s22 5 6 , lstat s22 uid=5 gid=6
t link-symlink probe symlink none s23 , link s23 s24 , readlink s24 none , lstat s23 nlink=2

say "unlinked $suite"
t unlinked-read probe open a u1 +c , write a hello , unlink u1 , '!ENOENT' stat u1 , pread a 0 hello
t unlinked-write probe open a u2 +c , write a hello , unlink u2 , write a world , pread a 0 helloworld , eof a 10
t unlinked-fstat probe open a u3 +c , write a hello , unlink u3 , fstat a size=5 nlink=0 type=f , write a x , fstat a size=6
t unlinked-ftrunc probe open a u4 +c , write a hello , unlink u4 , ftrunc a 2 , fstat a size=2 , ftrunc a 10 , fstat a size=10 , zeros a 2 8
t unlinked-fchmod probe open a u5 +c , unlink u5 , fchmod a 600 , fstat a mode=600 , futimes a 1000 2000 , fstat a mtime=2000
t unlinked-fsync probe open a u6 wc , write a x , unlink u6 , fsync a , fdatasync a
t unlinked-behind probe open a u7 +c , write a hello , unlink "$B/u7" , pread a 0 hello , write a x , pread a 5 x , fstat a size=6 nlink=0
t unlinked-again probe open a u8 +c , write a old , unlink u8 , open b u8 +cx , write b newer , pread a 0 old , fstat a size=3 , fstat b size=5 nlink=1 , stat u8 size=5
t unlinked-linked probe open a u9 +c , write a x , link u9 u10 , unlink u9 , fstat a nlink=1 , unlink u10 , fstat a nlink=0 , pread a 0 x

say "locks $suite"
t lock-write probe bg { open b "$B/k1" +c , lock b w 0 0 , tell , hear } , hear , open a k1 + , '!EAGAIN' lock a w 0 0 , '!EAGAIN' lock a r 0 1 , tell , wait , lock a w 0 0
t lock-read probe bg { open b "$B/k2" +c , lock b r 0 0 , tell , hear } , hear , open a k2 + , lock a r 0 0 , '!EAGAIN' lock a w 0 0 , tell , wait , lock a w 0 0
t lock-disjoint probe bg { open b "$B/k3" +c , lock b w 0 10 , tell , hear } , hear , open a k3 + , lock a w 10 10 , lock a w 100 0 , tell , wait
t lock-overlap probe bg { open b "$B/k4" +c , lock b w 10 10 , tell , hear } , hear , open a k4 + , '!EAGAIN' lock a w 0 11 , '!EAGAIN' lock a w 19 1 , '!EAGAIN' lock a r 15 100 , lock a w 0 10 , lock a w 20 1 , tell , wait
t lock-split probe bg { open b "$B/k5" +c , lock b w 0 30 , lock b u 10 10 , tell , hear } , hear , open a k5 + , '!EAGAIN' lock a w 9 1 , lock a w 10 10 , '!EAGAIN' lock a w 20 1 , tell , wait
t lock-upgrade probe bg { open b "$B/k6" +c , lock b r 0 10 , lock b w 0 10 , tell , hear , lock b r 0 10 , tell , hear } , hear , open a k6 + , '!EAGAIN' lock a r 0 10 , tell , hear , lock a r 0 10 , tell , wait
t lock-unlock probe bg { open b "$B/k7" +c , lock b w 0 0 , tell , hear , lock b u 0 0 , tell , hear } , hear , open a k7 + , '!EAGAIN' lock a w 0 0 , tell , hear , lock a w 0 0 , tell , wait
t lock-close probe bg { open b "$B/k8" +c , lock b w 0 0 , tell , hear , close b , tell , hear } , hear , open a k8 + , '!EAGAIN' lock a w 0 0 , tell , hear , lock a w 0 0 , tell , wait
t lock-killed probe bg { open b "$B/k9" +c , lock b w 0 0 , tell , sleep 30000 } , hear , open a k9 + , '!EAGAIN' lock a w 0 0 , kill , lock a w 0 0
t lock-waits probe open a k10 +c , bg { hear , open b "$B/k10" + , lockw b w 0 0 } , lock a w 0 0 , tell , waiting , lock a u 0 0 , wait
t lock-interrupted probe open a k11 +c , bg { hear , open b "$B/k11" + , lockw b w 0 0 } , lock a w 0 0 , tell , waiting , kill , lock a u 0 0 , lock a w 0 0
t getlock probe bg { open b "$B/k12" +c , lock b w 5 10 , tell , hear } , hear , open a k12 + , getlock a w 0 0 w , getlock a r 14 1 w , getlock a w 0 5 u , getlock a w 15 0 u , tell , wait , getlock a w 0 0 u
t getlock-read probe bg { open b "$B/k13" +c , lock b r 0 0 , tell , hear } , hear , open a k13 + , getlock a w 0 0 r , tell , wait
t lock-far probe bg { open b "$B/k14" +c , lock b w 4294967296 10 , tell , hear } , hear , open a k14 + , lock a w 0 10 , '!EAGAIN' lock a w 4294967300 1 , lock a w 4294967306 0 , tell , wait
t lock-modes probe open a k15 wc , '!EBADF' lock a r 0 0 , open b k15 r , '!EBADF' lock b w 0 0
t lock-same-mount probe bg { open b k16 +c , lock b w 0 10 , tell , hear } , hear , open a k16 + , '!EAGAIN' lock a w 0 0 , lock a w 10 10 , tell , wait
t flock probe bg { open b "$B/k17" +c , flock b x , tell , hear } , hear , open a k17 + , '!EAGAIN' flock a x , '!EAGAIN' flock a s , tell , wait , flock a x
t flock-shared probe bg { open b "$B/k18" +c , flock b s , tell , hear , flock b u , tell , hear } , hear , open a k18 + , flock a s , '!EAGAIN' flock a x , tell , hear , flock a x , tell , wait
t flock-waits probe open a k19 +c , bg { hear , open b "$B/k19" + , flockw b x } , flock a x , tell , waiting , flock a u , wait

say "maps $suite"
t map-private probe open a m1 +c , write a 'hello world' , map a 11 p 'hello world' , close a , open r m1 r , map r 4096 p 'hello world'
t map-shared probe open a m2 wc , write a 'hello world' , open r m2 r , map r 11 s 'hello world'
t map-cached probe open a m3 wc , write a 'hello world' , open r "$C/m3" r , map r 11 s 'hello world' , map r 11 p hello
t map-write probe open a "$C/m4" +c , write a 'hello world' , mapw a 11 HELLO , close a , open r "$B/m4" r , read r 'HELLO world'
exec_it() { cp /bin/probe exec-it && chmod 755 exec-it && ./exec-it stat exec-it type=f mode=755 && "$C/exec-it" stat exec-it mode=755; }
t map-exec exec_it

say "cached $suite"
cached_write() { probe fill "$D/c1" 3 , verify "$D/c1" 3 && sync && probe verify "$B/c1" 3 , stat "$D/c1" size=3145728; }
t cached-write cached_write
t cached-read probe fill c2 3 , verify "$D/c2" 3 , verify "$D/c2" 3
t cached-small probe open a "$D/c3" +c , write a hello , pwrite a 2 XY , pread a 0 heXYo , fsync a , open b "$B/c3" r , read b heXYo , pwrite a 100000 end , ftrunc a 100001 , fsync a , stat "$B/c3" size=100001
t cached-map probe open a "$D/c4" +c , write a 'hello world' , mapw a 11 HELLO , map a 11 p 'HELLO world' , fsync a , open b "$B/c4" r , read b 'HELLO world'
t cached-unlinked probe open a "$D/c5" +c , write a hello , unlink "$D/c5" , pwrite a 5000 x , pread a 0 hello , ftrunc a 3 , eof a 3
cached_tree() { cp -r /tmp/tree "$D/c6" && diff -r /tmp/tree "$D/c6" && sync && diff -r /tmp/tree "$B/c6" && mv "$D/c6" "$D/c7" && diff -r "$B/c7" "$D/c7" && rm -r "$D/c7" && [ ! -e c7 ]; }
t cached-tree cached_tree

say "big $suite"
t big-write probe fill big1 64 , stat big1 size=67108864
big_sum() { [ "$(host sum big1)" = "$(dd if=big1 bs=1M 2>/dev/null | md5sum | cut -d ' ' -f 1)" ]; }
t big-sum big_sum
big_back() { host fill big2 64 && probe stat big2 size=67108864 , verify big2 64 && rm big2; }
t big-read big_back
t big-behind probe verify "$B/big1" 64 , unlink big1

say "names $suite"
names() { echo x > "$1" && [ "$(cat "$B/$1")" = x ] && mkdir "$1-d" && [ "$(cd "$1-d" && pwd)" = "$A/$1-d" ] && probe list "$1-d" 0 && find . -maxdepth 1 | grep -qxF "./$1" && mv "$1" "$1-2" && rm "$1-2"; }
t name-unicode names 'Größe файл 文件 🐟'
t name-spaces names ' a  b '
t name-odd names '...#$%&(){}[]<>|\*?!"~`;=+^@,:'"'"
t name-controls names "$(printf 'a\001b\tc\177')"
t name-bytes names "$(printf 'bytes \377\376\300\257 end')"
t name-dash probe open a -x wc , stat -x type=f , rename -x -y , unlink -y
t name-255 probe open a "$n255" wc , stat "$n255" type=f , unlink "$n255" , mkdir "$n255" , open a "$n255/$n255" wc , unlink "$n255/$n255" , rmdir "$n255"
t name-256 probe '!ENAMETOOLONG' open a "${n255}x" wc , '!ENAMETOOLONG' stat "${n255}x" , '!ENAMETOOLONG' mkdir "${n255}x"
name_wide() { x=; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do x="${x}文件名名字"; done; probe open a "$x" wc , stat "$x" type=f , stat "$B/$x" type=f , unlink "$x" , '!ENAMETOOLONG' open a "${x}x" wc , '!ENAMETOOLONG' stat "${x}x"; }
t name-255-wide name_wide
t name-case probe open a Case wc , '!ENOENT' stat case , open b case wc , other Case case
t name-normal probe open a "$(printf '\303\251')" wc , '!ENOENT' stat "$(printf 'e\314\201')" , open b "$(printf 'e\314\201')" wcx
name_host() { echo x > 'Ünïcode-名' && [ "$(host cat 'Ünïcode-名')" = x ] && host write 'Ö-文' y && [ "$(cat 'Ö-文')" = y ]; }
t name-host name_host

say "users $suite"
t user-root probe stat . uid=0 , open a p1 wc , stat p1 uid=0 gid=0
t user-owner probe as 61001 , open a p2 wc 640 , stat p2 uid=61001 mode=640 , mkdir p3 , stat p3 uid=61001
t user-owner-symlink probe as 61001 , symlink x p4 , lstat p4 uid=61001
t user-owner-group probe as 61001 , open a p32 wc 640 , stat p32 uid=61001 gid=61001 , mkdir p33 , stat p33 gid=61001 , symlink x p34 , lstat p34 gid=61001
t user-dir-refused probe mkdir p5 755 , as 61001 , '!EACCES' open a p5/f wc , '!EACCES' mkdir p5/d
t user-dir-links-refused probe mkdir p6 755 , open a p6/f wc , open a p7 wc 666 , as 61001 , '!EACCES' symlink x p6/l , '!EACCES' link p7 p6/l
t user-dir-unlink-refused probe mkdir p8 755 , open a p8/f wc 666 , mkdir p8/d 777 , as 61001 , '!EACCES' unlink p8/f , '!EACCES' rmdir p8/d , '!EACCES' rename p8/f p8/g , '!EACCES' rename p8/f p9
t user-read-refused probe open a p10 wc 600 , write a secret , as 61001 , '!EACCES' open b p10 r , '!EACCES' open b p10 w , '!EACCES' trunc p10 0 , stat p10 size=6
t user-others probe fork { as 61001 , open a p11 wc 604 , write a hi } , fork { as 61002 , open a p11 r , read a hi , '!EACCES' open b p11 w } , open a p11 + , read a hi , write a there
t user-group probe open a p12 wc 640 , write a hi , chown p12 61001 61002 , fork { as 61002 , open a p12 r , read a hi , '!EACCES' open a p12 w } , fork { as 61003 , '!EACCES' open a p12 r } , fork { as 61001 , open a p12 + }
t user-class probe open a p13 wc 0 , chmod p13 077 , chown p13 61001 61001 , fork { as 61001 , '!EACCES' open a p13 r } , fork { as 61002 , open a p13 + }
t user-access probe open a p14 wc 640 , chown p14 61001 61001 , fork { as 61001 , access p14 rw , '!EACCES' access p14 x } , fork { as 61002 , '!EACCES' access p14 r } , access p14 rw , '!EACCES' access p14 x , chmod p14 651 , access p14 x , fork { as 61002 , access p14 x }
t user-search probe mkdir p15 700 , mkdir p15/d 777 , open a p15/f wc 666 , chmod p15/f 666 , fork { as 61001 , '!EACCES' stat p15/f , '!EACCES' open a p15/f r , '!EACCES' list p15 2 , '!EACCES' open a p15/d/g wc } , chmod p15 711 , fork { as 61001 , stat p15/f type=f , open a p15/f + , '!EACCES' list p15 2 } , chmod p15 744 , fork { as 61001 , '!EACCES' stat p15/f }
t user-zero-mode probe as 61001 , open a p16 +c 0 , write a x , pread a 0 x , '!EACCES' open b p16 r , chmod p16 600 , open b p16 +
t user-chmod-refused probe open a p17 wc 666 , mkdir p18 777 , as 61001 , '!EPERM' chmod p17 600 , '!EPERM' chmod p18 700 , stat p17 mode=666
t user-chown-refused probe fork { as 61001 , open a p19 wc } , fork { as 61001 , '!EPERM' chown p19 61002 -1 , '!EPERM' chown p19 0 0 , '!EPERM' chown p19 -1 61002 } , fork { as 61002 , '!EPERM' chown p19 61002 61002 } , stat p19 uid=61001
t user-sticky probe mkdir p20 1777 , fork { as 61001 , open a p20/f wc 666 , mkdir p20/d 777 } , fork { as 61002 , '!EPERM' unlink p20/f , '!EPERM' rmdir p20/d , '!EPERM' rename p20/f p20/g , open a p20/f w , open b p20/mine wc , '!EPERM' rename p20/mine p20/f , unlink p20/mine } , fork { as 61001 , rename p20/f p20/g , unlink p20/g } , rmdir p20/d
t user-sticky-owner probe fork { as 61001 , mkdir p21 1777 } , fork { as 61002 , open a p21/f wc } , fork { as 61001 , unlink p21/f }
t user-times-refused probe fork { as 61001 , open a p22 wc 644 , utimes p22 1000 1000 } , fork { as 61002 , '!EPERM' utimes p22 1 1 , '!EACCES' utimes p22 now now } , stat p22 mtime=1000
t user-times-now probe fork { as 61001 , open a p23 wc 666 , utimes p23 1000 1000 } , fork { as 61002 , '!EPERM' utimes p23 1 1 , utimes p23 now now } , stat p23 mtime=now
t user-suid-kept probe open a p24 wc , chmod p24 6755 , stat p24 mode=6755
t user-suid-write probe open a p25 wc , chmod p25 4777 , fork { as 61001 , open a p25 w , write a x } , stat "$B/p25" mode=777
t user-suid-chown probe open a p26 wc , chmod p26 6755 , chown p26 61001 61001 , stat p26 uid=61001 mode=755
t user-setgid-dir probe mkdir p27 777 , chown p27 0 61001 , chmod p27 2777 , fork { as 61002 , open a p27/f wc , mkdir p27/d 755 } , stat p27/f uid=61002 gid=61001 , stat p27/d gid=61001 mode=2755
t user-setgid-chmod probe fork { as 61001 , open a p28 wc } , chown p28 61001 61002 , fork { as 61001 , chmod p28 2755 } , stat p28 mode=755
t user-unlinked probe as 61001 , open a p29 +c 600 , write a x , unlink p29 , fstat a uid=61001 nlink=0 , pread a 0 x
t user-hidden-path probe mkdir p30 700 , mkdir p30/d 777 , open a p30/d/f wc 666 , as 61001 , '!EACCES' open a "$B/p30/d/f" r , '!EACCES' chdir p30/d
t user-gives-away probe open a p31 wc 600 , write a x , open b "$B/p31" r , chown p31 61001 61001 , fork { as 61001 , open a p31 r , read a x } , chmod p31 0 , read b x

say "attributes $suite"
t chmod probe open a a1 wc 644 , chmod a1 600 , stat a1 mode=600 , stat "$B/a1" mode=600 , fchmod a 4711 , stat a1 mode=4711 , chmod a1 0 , stat a1 mode=0 , '!ENOENT' chmod a2 600
t chmod-dir probe mkdir a3 , chmod a3 1777 , stat a3 mode=1777 type=d , chmod a3 2700 , stat a3 mode=2700
t chown probe open a a4 wc , chown a4 1 2 , stat a4 uid=1 gid=2 , chown a4 -1 3 , stat a4 uid=1 gid=3 , chown a4 4 -1 , stat "$B/a4" uid=4 gid=3
t chown-big probe open a a5 wc , chown a5 4000000000 4000000001 , stat a5 uid=4000000000 gid=4000000001
t times probe open a a6 wc , utimes a6 1000000000 2000000000 , stat a6 atime=1000000000 mtime=2000000000 , stat "$B/a6" mtime=2000000000
t times-omit probe open a a7 wc , utimes a7 1000 2000 , utimes a7 3000 omit , stat a7 atime=3000 mtime=2000 , utimes a7 omit 4000 , stat a7 atime=3000 mtime=4000
t times-now probe open a a8 wc , utimes a8 1000 2000 , utimes a8 now omit , stat a8 atime=now mtime=2000 , utimes a8 now now , stat a8 mtime=now ctime=now
t times-future probe open a a11 wc , utimes a11 2147483648 4102444800 , stat a11 atime=2147483648 mtime=4102444800
t times-dir probe mkdir a12 , utimes a12 1000 2000 , stat a12 mtime=2000 , open a a12/f wc , stat a12 mtime=now , utimes a12 1000 2000 , unlink a12/f , stat a12 mtime=now
t times-write probe open a a13 wc , utimes a13 1000 2000 , write a x , stat a13 mtime=now , utimes a13 1000 2000 , trunc a13 0 , stat a13 mtime=now
t times-fine probe open a a9 wc , write a x , keep a9 , sleep 20 , write a y , since a9 mtime '>' , since a9 size '>' , keep "$B/a9" , since a9 mtime =
t times-change probe open a a14 wc , keep a14 , sleep 20 , chmod a14 600 , since a14 ctime '>' , since a14 mtime =
t times-change-link probe open a a15 wc , keep a15 , sleep 20 , link a15 a16 , since a15 ctime '>' , since a15 mtime =
touch_date() { touch -d '2001-02-03 04:05:06' a17 && [ "$(date -r a17 '+%Y-%m-%d %H:%M:%S')" = '2001-02-03 04:05:06' ]; }
t times-touch touch_date
t statfs probe statfs . namelen=255
df_shows() { df -k . | awk 'NR == 2 && $2 > 0 && $4 > 0 && $4 <= $2 { found = 1 } END { exit !found }'; }
t statfs-df df_shows
t inode-stable probe open a a18 wc , open b a19 wc , other a18 a19 , keep a18 , rename a18 a20 , chmod a20 600 , stat a20 mode=600
inode_kept() { echo x > a21 && i=$(stat -c %i a21) && mv a21 a22 && chmod 600 a22 && echo y >> a22 && [ "$(stat -c %i a22)" = "$i" ] && [ "$(stat -c %i "$B/a22")" = "$i" ]; }
t inode-same inode_kept

say "special $suite"
t mknod-file probe mknod x1 f 640 , stat x1 type=f mode=640 size=0
t fifo probe mknod x2 p 600 , stat x2 type=p mode=600 , stat "$B/x2" type=p , unlink x2
fifo_use() { mkfifo x3 && { echo through > x3 & } && [ "$(cat x3)" = through ]; }
t fifo-use fifo_use
t device probe mknod x4 c 666 1 3 , stat x4 type=c major=1 minor=3 , stat "$B/x4" major=1 minor=3 , mknod x5 b 600 7 300 , stat x5 type=b major=7 minor=300
t device-use probe mknod x6 c 666 1 5 , open a x6 r , zeros a 0 10
t socket probe mknod x7 s 600 , stat x7 type=s

say "xattrs $suite"
t xattr probe open a e1 wc , setx e1 user.one hello , getx e1 user.one hello , getx "$B/e1" user.one hello , listx e1 1
t xattr-replace probe open a e2 wc , setx e2 user.one hello , setx e2 user.one you , getx e2 user.one you , setx e2 user.two '' , getx e2 user.two '' , listx e2 2
t xattr-remove probe open a e3 wc , setx e3 user.one hello , rmx e3 user.one , '!ENODATA' getx e3 user.one x , '!ENODATA' rmx e3 user.one , listx e3 0
t xattr-flags probe open a e4 wc , '!ENODATA' setx e4 user.one x r , setx e4 user.one x c , '!EEXIST' setx e4 user.one y c , setx e4 user.one y r , getx e4 user.one y
t xattr-big probe open a e5 wc , bigx e5 user.big 60000
t xattr-dir probe mkdir e6 , setx e6 user.dir hello , getx e6 user.dir hello , listx e6 1
t xattr-refused probe open a e7 wc 600 , setx e7 user.one secret , as 61001 , '!EACCES' getx e7 user.one x , '!EACCES' setx e7 user.one y

say "behind $suite"
b_new() { host write b1 hello && [ "$(cat b1)" = hello ] && probe stat b1 size=5; }
t behind-new b_new
b_changed() { echo guest > b2 && [ "$(cat b2)" = guest ] && host write b2 host-side && [ "$(cat b2)" = host-side ] && probe stat b2 size=9; }
t behind-changed b_changed
b_append() { echo -n one > b3 && host append b3 two && [ "$(cat b3)" = onetwo ] && echo -n three >> b3 && [ "$(host cat b3)" = onetwothree ]; }
t behind-append b_append
b_open() { echo -n one > b4 && exec 3< b4 && read -r -n 3 x <&3 ; host append b4 two && [ "$(cat <&3)" = two ]; }
t behind-open b_open
b_removed() { echo x > b5 && host rm b5 && probe '!ENOENT' stat b5 , '!ENOENT' open a b5 r , open a b5 wcx; }
t behind-removed b_removed
b_renamed() { echo x > b6 && host rename b6 b7 && probe '!ENOENT' stat b6 , stat b7 size=2; }
t behind-renamed b_renamed
b_replaced() { echo old > b8 && cat b8 > /dev/null && host write b9 replaced && host rename b9 b8 && [ "$(cat b8)" = replaced ] && probe '!ENOENT' stat b9; }
t behind-replaced b_replaced
b_kind() { echo x > b10 && cat b10 > /dev/null && host rm b10 && host mkdir b10 && probe stat b10 type=d , open a b10/f wc , list b10 1; }
t behind-other-kind b_kind
b_chmod() { echo x > b11 && host chmod b11 4711 && probe stat b11 mode=4711; }
t behind-chmod b_chmod
b_dir() { mkdir b12 && probe list b12 0 && host write b12/f x && host mkdir b12/d && probe list b12 2 && host rm b12/f && probe list b12 1; }
t behind-directory b_dir
b_moved_dir() { mkdir b13 b14 && echo x > b13/f && host rename b13 b14/b13 && probe '!ENOENT' stat b13/f , stat b14/b13/f size=2; }
t behind-moved-directory b_moved_dir
b_seen() { printf 'first\nsecond' > b15 && [ "$(host cat b15)" = "$(printf 'first\nsecond')" ] && mkdir b16 && touch b16/x b16/y && [ "$(host ls b16)" = 'x y' ] && rm b16/x && [ "$(host ls b16)" = y ]; }
t behind-sees b_seen
b_unlinked() { echo -n kept > b17 && exec 3< b17 && host rm b17 && [ "$(cat <&3)" = kept ]; }
t behind-unlinked b_unlinked

say "races $suite"
t race-create probe race 8 10 create race1 "$B/race1"
t race-mkdir probe race 8 10 mkdir race2 "$B/race2"
t race-link probe race 8 5 link race3 "$B/race3"
t race-rename probe race 8 10 rename race4 "$B/race4"
t race-unlink probe race 8 10 unlink race5 "$B/race5"
t race-churn probe churn 8 10 churn

say "programs $suite"
copy_tree() { cp -r /tmp/tree tree1 && diff -r /tmp/tree tree1 && [ "$(find tree1 | wc -l)" = "$(find /tmp/tree | wc -l)" ]; }
t cp-r copy_tree
copy_all() { cp -a /tmp/tree tree2 && diff -r /tmp/tree tree2 && [ "$(cd tree2 && find . -exec stat -c '%n %a %u %g %Y' {} + | sort)" = "$(cd /tmp/tree && find . -exec stat -c '%n %a %u %g %Y' {} + | sort)" ]; }
t cp-a copy_all
copy_links() { cp -a /tmp/links tree3 && [ "$(readlink tree3/sym)" = f ] && [ "$(cat tree3/sym)" = file ] && [ "$(stat -c %h tree3/f)" = 2 ]; }
t cp-a-links copy_links
tar_tree() { tar cf tree4.tar -C /tmp tree && mkdir tree4 && tar xf tree4.tar -C tree4 && diff -r /tmp/tree tree4/tree && tar cf - tree4 | tar tf - > /dev/null; }
t tar tar_tree
rm_tree() { cp -r /tmp/tree tree5 && rm -r tree5 && [ ! -e tree5 ]; }
t rm-r rm_tree
mv_tree() { cp -r /tmp/tree tree6 && mv tree6 tree7 && diff -r /tmp/tree tree7; }
t mv-tree mv_tree
sed_i() { printf 'a\nb\nc\n' > sed1 && sed -i s/b/B/ sed1 && [ "$(cat sed1)" = "$(printf 'a\nB\nc')" ]; }
t sed-i sed_i
gzip_it() { cp /bin/probe gz1 && gzip gz1 && gunzip gz1.gz && cmp gz1 /bin/probe; }
t gzip gzip_it
script() { printf '#!/bin/sh\necho "ran $1"\n' > run1 && chmod 755 run1 && [ "$(./run1 it)" = 'ran it' ]; }
t script script
sums() { (cd /tmp/tree && find . -type f -exec md5sum {} +) > sums1 && cp -r /tmp/tree tree8 && (cd tree8 && md5sum -c ../sums1 > /dev/null); }
t md5sum-c sums
ln_sf() { ln -s one lnsf && ln -sfn two lnsf && [ "$(readlink lnsf)" = two ]; }
t ln-sf ln_sf
chmod_r() { cp -r /tmp/tree tree9 && chmod -R go-rwx tree9 && [ -z "$(find tree9 -perm +077)" ]; }
t chmod-R chmod_r
sync_it() { echo x > sync1 && sync && [ "$(cat sync1)" = x ]; }
t sync sync_it
