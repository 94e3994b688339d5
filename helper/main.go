// Command roost-probe does on a machine what POSIX sh can't: fetch over TLS with one pinned CA, try
// connections, listen. roost stages it in /run for the length of one act; it writes nothing but what
// it is told to fetch. Standard library only, static, the same bytes from the same source.
//
// Each verb prints one line of JSON per item on stdout; people's errors go to stderr. Exit status: 0 all
// well, 1 something failed, 2 wrong usage.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
)

const usage = `usage:
  roost-probe fetch --ca FILE --list FILE [--jobs 4] [--attempts 3] [--proxy-from-env=false]
      each line of the list (- for standard input): URL<TAB>SHA256<TAB>OUT
  roost-probe fetch URL --ca FILE --sha256 HEX --out FILE
  roost-probe dial HOST:PORT... [--timeout 5s] [--times 1] [--read]
  roost-probe listen [ADDRESS:]PORT... --for 10s [--banner TEXT]
  roost-probe vrrp --own ADDRESS --nonce TEXT [--for 4s] PEER...
  roost-probe http-check URL --ca FILE [--timeout 10s] [--socket PATH] [--only-with FILE]
`

var errUsage = errors.New("wrong usage")

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(arguments []string, stdin io.Reader, stdout, stderr io.Writer) int {
	verbs := map[string]func([]string, io.Reader, *reporter) (bool, error){
		"fetch":      fetchVerb,
		"dial":       dialVerb,
		"listen":     listenVerb,
		"http-check": httpCheckVerb,
		"vrrp":       vrrpVerb,
	}
	if len(arguments) == 0 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	verb, known := verbs[arguments[0]]
	if !known {
		fmt.Fprintf(stderr, "roost-probe: no verb %q\n%s", arguments[0], usage)
		return 2
	}
	report := &reporter{stdout: stdout, stderr: stderr}
	well, err := verb(arguments[1:], stdin, report)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "roost-probe %s: %v\n%s", arguments[0], err, usage)
		return 2
	case err != nil:
		fmt.Fprintf(stderr, "roost-probe %s: %v\n", arguments[0], err)
		return 1
	case !well:
		return 1
	}
	return 0
}

// reporter keeps lines of parallel items whole.
type reporter struct {
	lock           sync.Mutex
	stdout, stderr io.Writer
}

func (r *reporter) line(value any) {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err) // Only plain structs of this program come here.
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	fmt.Fprintf(r.stdout, "%s\n", encoded)
}

func (r *reporter) complain(format string, values ...any) {
	r.lock.Lock()
	defer r.lock.Unlock()
	fmt.Fprintf(r.stderr, "roost-probe: "+format+"\n", values...)
}

// parse reads flags wherever they stand among the other arguments, which it returns.
func parse(flags *flag.FlagSet, arguments []string) ([]string, error) {
	flags.SetOutput(io.Discard)
	var rest []string
	for {
		if err := flags.Parse(arguments); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		arguments = flags.Args()
		if len(arguments) == 0 {
			return rest, nil
		}
		rest = append(rest, arguments[0])
		arguments = arguments[1:]
	}
}
