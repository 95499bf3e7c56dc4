//go:build linux

package main

import (
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/gpu/world"
	"contig-gpu/gpu/world/mpitest"
)

// twoHosts makes two network namespaces joined by a cable, in which the host names are host1 and host2, and returns a program that runs a command
// on one of them and one that stands in for ssh. It skips where this user may not, or the tools are not there.
func twoHosts(t *testing.T) (on, ssh string) {
	t.Helper()
	for _, tool := range []string{"ip", "nsenter", "unshare", "hostname"} {
		if _, err := osexec.LookPath(tool); err != nil {
			t.Skipf("%v (Debian: apt-get install iproute2 util-linux hostname)", err)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("network namespaces are root's to make: run as root, by sudo -E go test or in a container with --privileged")
	}
	prefix, dir := fmt.Sprintf("contig%d-", os.Getpid()), t.TempDir()
	ip := func(line string) error {
		out, err := osexec.Command("ip", strings.Fields(line)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ip %s: %v %s", line, err, out)
		}
		return nil
	}
	t.Cleanup(func() {
		for n := 1; n <= 2; n++ {
			if err := ip(fmt.Sprintf("netns del %s%d", prefix, n)); err != nil {
				t.Log(err)
			}
		}
	})
	cable := fmt.Sprintf("c%d", os.Getpid())
	for _, line := range []string{
		"netns add " + prefix + "1", "netns add " + prefix + "2", "-n " + prefix + "1 link set lo up", "-n " + prefix + "2 link set lo up",
		"-n " + prefix + "1 link add " + cable + "a type veth peer name " + cable + "b netns " + prefix + "2",
		"-n " + prefix + "1 addr add 10.77.0.1/24 dev " + cable + "a", "-n " + prefix + "2 addr add 10.77.0.2/24 dev " + cable + "b",
		"-n " + prefix + "1 link set " + cable + "a up", "-n " + prefix + "2 link set " + cable + "b up",
	} {
		if err := ip(line); err != nil {
			t.Skipf("no network namespaces here: %v", err)
		}
	}
	on, ssh = filepath.Join(dir, "on"), filepath.Join(dir, "ssh")
	hosts := filepath.Join(dir, "hosts")
	for path, text := range map[string]string{
		hosts: "127.0.0.1 localhost\n10.77.0.1 host1\n10.77.0.2 host2\n",
		on: "#!/bin/sh\nn=$1; shift\nexec nsenter --net=/var/run/netns/" + prefix + "$n unshare --uts --mount sh -c 'mount --bind " + hosts +
			" /etc/hosts && hostname host'$n' && exec \"$@\"' sh \"$@\"\n",
		ssh: "#!/bin/sh\nwhile [ \"${1#-}\" != \"$1\" ]; do case $1 in -l | -p | -o | -i) shift 2 ;; *) shift ;; esac; done\nh=${1#host}; shift\nexec " + on + " $h sh -c \"$*\"\n",
	} {
		mustDo(t, os.WriteFile(path, []byte(text), 0o755))
	}
	if out, err := osexec.Command(on, "2", "hostname").CombinedOutput(); err != nil || string(out) != "host2\n" {
		t.Skipf("no host in a namespace here: %v %s", err, out)
	}
	return on, ssh
}

// overSSH returns the launcher's words for ranks 0 and 1 on host1 and rank 2 on host2, by a stand-in for ssh.
func overSSH(mpi mpitest.MPI, ssh string) []string {
	if mpi.Name == "MPICH" {
		return []string{"-launcher", "ssh", "-launcher-exec", ssh, "-hosts", "host1:2,host2:1"}
	}
	return []string{"--mca", "plm_rsh_agent", ssh, "--mca", "plm_ssh_agent", ssh, "--mca", "btl_tcp_if_include", "10.77.0.0/24", "--mca", "oob_tcp_if_include", "10.77.0.0/24",
		"-H", "host1:2,host2:1", "-x", mainArgs, "-x", world.LibraryEnv}
}

// TestDoctorRanksTwoHosts: ranks of two hosts find rank 0 by the address that MPI tells, and sum.
func TestDoctorRanksTwoHosts(t *testing.T) {
	turn.Share(t)
	on, ssh := twoHosts(t)
	for _, mpi := range mpitest.All(t) {
		t.Run(mpi.String(), func(t *testing.T) {
			out, errs, err := mpi.Run(t, mpitest.Launch{Ranks: 3, Program: os.Args[0], Before: []string{on, "1"}, Words: overSSH(mpi, ssh),
				Env: []string{mainArgs + "=" + strings.Join([]string{"doctor", "--ranks", "3", "--meet-timeout", "1m"}, "\n")}})
			if err != nil || !strings.HasPrefix(out, "3 ranks on 2 hosts (host1 2, host2 1), started by ") || !strings.Contains(out, "met       at 10.77.0.1:") || strings.Count(out, "right on all ranks") != 6 {
				t.Errorf("%v\n%s\n%s", err, out, errs)
			}
		})
	}
}
