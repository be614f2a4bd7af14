# The checks of one suite; A, B and C are the same directory by three connections (init.sh). Calls of
# `probe` are explained at its head. Names of checks are unique, and so are the files they make.
cd "$A"

section files
t create probe open a create wcx 644 , close a , stat create type=f size=0 mode=644 nlink=1
t create-existing probe '!EEXIST' open a create wcx , open a create wc , '!ENOENT' open a nosuch w
t write-read probe open a write-read rwc , write a hello , pread a 0 hello , pread a 1 ello , eof a 5 , fstat a size=5
t rename probe open a rename1 wc , close a , rename rename1 rename2 , '!ENOENT' stat rename1 , stat rename2 type=f
t unlink-open-fstat probe open a uo1 rwc , write a hello , unlink uo1 , fstat a size=5 nlink=0
