package ranks

import (
	"fmt"
	"strconv"
	"strings"
)

// slurmAddress is the step's first host, and a port that job and step choose, unless MASTER_ADDR or MASTER_PORT say otherwise, each for itself.
func slurmAddress(get func(string) string) (string, error) {
	if get("MASTER_ADDR") != "" {
		return master(get)
	}
	hosts, err := expandHosts(get("SLURM_STEP_NODELIST"))
	if err != nil {
		return "", fmt.Errorf("SLURM_STEP_NODELIST is %q: %w", get("SLURM_STEP_NODELIST"), err)
	}
	if port := get("MASTER_PORT"); port != "" {
		return join(hosts[0], port), wantPort("MASTER_PORT", port)
	}
	job, err := strconv.Atoi(get("SLURM_JOB_ID"))
	if err != nil {
		return "", fmt.Errorf("SLURM_JOB_ID is %q, want a number", get("SLURM_JOB_ID"))
	}
	step, err := strconv.Atoi(get("SLURM_STEP_ID"))
	if err != nil {
		return "", fmt.Errorf("SLURM_STEP_ID is %q, want a number", get("SLURM_STEP_ID"))
	}
	const first, ports = 20000, 10000 // below the ports that Linux gives to connections, from 32768
	return fmt.Sprintf("%s:%d", hosts[0], first+(job%ports*16+step%ports)%ports), nil
}

// slurmLocals returns how many ranks are on this host, by "3,1" or "2(x4)"; 0 where Slurm does not say.
func slurmLocals(get func(string) string) (int, error) {
	text, at := get("SLURM_STEP_TASKS_PER_NODE"), get("SLURM_NODEID")
	if text == "" || at == "" {
		return 0, nil
	}
	node, err := strconv.Atoi(at)
	for _, item := range strings.Split(text, ",") {
		count, times, repeated := strings.Cut(strings.TrimSuffix(item, ")"), "(x")
		n, err1 := strconv.Atoi(count)
		k := 1
		if repeated {
			var err2 error
			if k, err2 = strconv.Atoi(times); err2 != nil {
				break
			}
		}
		if err != nil || err1 != nil {
			break
		}
		if node < k {
			return n, nil
		}
		node -= k
	}
	return 0, fmt.Errorf("SLURM_STEP_TASKS_PER_NODE is %q and SLURM_NODEID %q: the number of ranks on this host does not follow", text, at)
}

// mostHosts bounds what a list of hosts may come to.
const mostHosts = 1 << 20

// expandHosts writes out Slurm's notation: n[1-3,007],login is n1 n2 n3 n007 login; several brackets multiply.
func expandHosts(list string) ([]string, error) {
	var out []string
	for _, item := range splitHosts(list) {
		hosts, err := expandHost(item)
		if err != nil {
			return nil, err
		}
		out = append(out, hosts...)
	}
	if len(out) == 0 || len(out) > mostHosts {
		return nil, fmt.Errorf("it names %d hosts", len(out))
	}
	return out, nil
}

// splitHosts cuts at commas outside brackets.
func splitHosts(list string) (items []string) {
	depth, from := 0, 0
	for i, r := range list + "," {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case r == ',' && depth == 0:
			if i > from {
				items = append(items, list[from:i])
			}
			from = i + 1
		}
	}
	return items
}

func expandHost(item string) ([]string, error) {
	head, rest, bracket := strings.Cut(item, "[")
	if !bracket {
		return []string{item}, nil
	}
	inside, tail, closed := strings.Cut(rest, "]")
	if !closed {
		return nil, fmt.Errorf("a bracket of %q is not closed", item)
	}
	tails, err := expandHost(tail)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range strings.Split(inside, ",") {
		low, high, ranged := strings.Cut(r, "-")
		if !ranged {
			high = low
		}
		a, err1 := strconv.Atoi(low)
		b, err2 := strconv.Atoi(high)
		if err1 != nil || err2 != nil || a < 0 || b < a || (b-a+1)*len(tails)+len(out) > mostHosts {
			return nil, fmt.Errorf("%q is no range of hosts", r)
		}
		for n := a; n <= b; n++ {
			for _, t := range tails {
				out = append(out, fmt.Sprintf("%s%0*d%s", head, len(low), n, t))
			}
		}
	}
	return out, nil
}
