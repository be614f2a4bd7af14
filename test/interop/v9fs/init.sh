# The guest's only program: mounts each server of /servers four times, runs /checks.sh there, and
# prints a line for each check, behind the time: "ok SUITE NAME" or "not ok SUITE NAME: WHY".
# A line of /servers: suite, version (or `local`: a file system of the guest's own), port, aname.

say() {
	read -r up idle < /proc/uptime
	echo "$up $*"
}

# t NAME COMMAND...: a check. It passes when the command does; what it prints says why it does not.
t() {
	name=$1
	shift
	if out=$("$@" 2>&1); then
		say "ok $suite $name"
	else
		say "not ok $suite $name: $(echo "$out" | tail -n 3 | tr '\n' ' ' | cut -c -300)"
	fi
}

# host COMMAND FILE [ARG...]: has it done behind the mounts' back (behind.ts), prints the answer.
host() {
	if [ "$version" = local ]; then
		host_local "$@"
		return
	fi
	answer=$(echo "$suite $*" | nc -w 20 10.0.2.2 "$control")
	case $answer in
	error*) echo "$answer"; return 1 ;;
	esac
	echo "$answer"
}

host_local() {
	command=$1 file=$2
	shift 2
	case $command in
	cat) cat "$file" ;;
	write) printf %s "$*" > "$file" ;;
	append) printf %s "$*" >> "$file" ;;
	rename) mv -T "$file" "$1" ;;
	rm) rm "$file" ;;
	mkdir) mkdir "$file" ;;
	chmod) chmod "$1" "$file" ;;
	ls) echo $(ls "$file") ;;
	sum) md5sum "$file" | cut -d ' ' -f 1 ;;
	fill) probe fill "$file" "$1" ;;
	many) probe many "$file" "$1" ;;
	esac
}

mount9p() {
	mkdir -p "$2"
	mount -t 9p -o "trans=tcp,port=$port,version=$version,msize=1048576,access=user,uname=root,dfltuid=0,dfltgid=0,locktimeout=1,cache=$1,aname=$aname" 10.0.2.2 "$2"
}

# What programs copy.
mkdir -p /tmp/tree/a/b/c /tmp/tree/empty /tmp/links
for i in 1 2 3 4 5 6 7 8 9 10; do
	echo "file $i" > "/tmp/tree/file$i"
	dd if=/bin/probe of="/tmp/tree/a/b/part$i" bs=10007 count=1 skip="$i" 2>/dev/null
done
chmod 600 /tmp/tree/file1
chmod 750 /tmp/tree/a/b/c
chown 61001:61002 /tmp/tree/file2
touch -d '2001-02-03 04:05:06' /tmp/tree/file3 /tmp/tree/empty
echo file > /tmp/links/f
ln /tmp/links/f /tmp/links/g
ln -s f /tmp/links/sym

# The same file system in the guest itself: what the checks say of it says whether they are right.
mount_local() {
	mkdir -p /mnt/a /mnt/b /mnt/c /mnt/d
	mount -t tmpfs tmpfs /mnt/a && mount --bind /mnt/a /mnt/b && mount --bind /mnt/a /mnt/c && mount --bind /mnt/a /mnt/d
}

mount_all() {
	if [ "$version" = local ]; then mount_local; else mount9p none /mnt/a && mount9p none /mnt/b && mount9p mmap /mnt/c && mount9p loose /mnt/d; fi
}

read -r control < /control
while read -r suite version port aname; do
	say "mount $suite"
	if mount_all; then
		mkdir "/mnt/a/$suite" || say "not ok $suite mkdir"
		chmod 777 "/mnt/a/$suite"
		A=/mnt/a/$suite B=/mnt/b/$suite C=/mnt/c/$suite D=/mnt/d/$suite
		. /checks.sh
		cd /
		say "umount $suite"
		umount /mnt/a && umount /mnt/b && umount /mnt/c && umount /mnt/d || say "not ok $suite umount"
		say "end $suite"
	else
		say "not ok $suite mount"
		umount /mnt/a /mnt/b /mnt/c
	fi
done < /servers
say done
