# The guest's only program: mounts each server of /servers twice and more, runs /checks.sh there, and
# prints a line for each check: "ok SUITE NAME" or "not ok SUITE NAME: WHY".
# A line of /servers: suite, version, port, aname, and the name that plain 9P2000 knows root by.

# t NAME COMMAND...: a check. It passes when the command does; what it prints says why it does not.
t() {
	name=$1
	shift
	if out=$("$@" 2>&1); then
		echo "ok $suite $name"
	else
		echo "not ok $suite $name: $(echo "$out" | tail -n 3 | tr '\n' ' ')"
	fi
}

# host COMMAND ARG...: has it done behind the server's back (v9fs.test.ts), prints the answer.
host() {
	answer=$(echo "$suite $*" | nc -w 20 10.0.2.2 "$control")
	case $answer in
	error*) echo "$answer"; return 1 ;;
	esac
	echo "$answer"
}

# section NAME: the time it begins at, for the report.
section() {
	echo "section $suite $1 $(cut -d ' ' -f 1 /proc/uptime)"
}

mount9p() {
	mkdir -p "$2"
	mount -t 9p -o "trans=tcp,port=$port,version=$version,msize=1048576,access=user,uname=root,dfltuid=0,dfltgid=0,locktimeout=1,cache=$1,aname=$aname" 10.0.2.2 "$2"
}

read -r control < /control
while read -r suite version port aname; do
	section mount
	if mount9p none /mnt/a && mount9p none /mnt/b && mount9p mmap /mnt/c; then
		mkdir "/mnt/a/$suite" || echo "not ok $suite mkdir"
		chmod 777 "/mnt/a/$suite"
		# The same directory by three connections: A and B without a cache, C with one for maps.
		A=/mnt/a/$suite B=/mnt/b/$suite C=/mnt/c/$suite
		. /checks.sh
		cd /
		section umount
		umount /mnt/a && umount /mnt/b && umount /mnt/c || echo "not ok $suite umount"
		section end
	else
		echo "not ok $suite mount"
		umount /mnt/a
		umount /mnt/b
	fi
done < /servers
echo done
