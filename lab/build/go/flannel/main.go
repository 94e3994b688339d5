// The lab's own CNI plugin «flannel»: the published one is not to be had as a Go module in a version that knows
// IPv6. It does what flannel's documentation says of the plugin: it reads what flanneld wrote, makes the
// configuration of another plugin (bridge) from it, and lets that one do the work. Standard library only.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	defaultSubnetFile = "/run/flannel/subnet.env"
	defaultDataDir    = "/var/lib/cni/flannel"
)

type object = map[string]any

type netConf struct {
	CNIVersion    string `json:"cniVersion"`
	Name          string `json:"name"`
	SubnetFile    string `json:"subnetFile"`
	DataDir       string `json:"dataDir"`
	Delegate      object `json:"delegate"`
	RuntimeConfig object `json:"runtimeConfig"`
}

func main() {
	if err := run(os.Getenv("CNI_COMMAND")); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			os.Exit(exit.ExitCode()) // The other plugin has said why.
		}
		answer, _ := json.Marshal(object{"cniVersion": "0.4.0", "code": 100, "msg": err.Error()})
		fmt.Println(string(answer))
		os.Exit(1)
	}
}

func run(command string) error {
	if command == "VERSION" {
		versions := []string{"0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0"}
		return json.NewEncoder(os.Stdout).Encode(object{"cniVersion": "1.0.0", "supportedVersions": versions})
	}
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	conf := netConf{SubnetFile: defaultSubnetFile, DataDir: defaultDataDir}
	if err := json.Unmarshal(text, &conf); err != nil {
		return fmt.Errorf("the network configuration can't be read: %w", err)
	}
	kept := filepath.Join(conf.DataDir, os.Getenv("CNI_CONTAINERID"))
	switch command {
	case "ADD":
		return add(conf, kept)
	case "DEL":
		return remove(kept)
	case "CHECK":
		return nil
	}
	return fmt.Errorf("unknown CNI_COMMAND %q", command)
}

func add(conf netConf, kept string) error {
	text, err := os.ReadFile(conf.SubnetFile)
	if err != nil {
		return fmt.Errorf("flanneld has not written its part of the network yet: %w", err)
	}
	delegate, err := delegateOf(conf, parseEnv(string(text)))
	if err != nil {
		return fmt.Errorf("%s: %w", conf.SubnetFile, err)
	}
	made, err := json.Marshal(delegate)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(kept, made, 0o600); err != nil {
		return err
	}
	return call(made)
}

// remove does nothing where there is nothing: DEL may come again.
func remove(kept string) error {
	made, err := os.ReadFile(kept)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := call(made); err != nil {
		return err
	}
	return os.Remove(kept)
}

func parseEnv(text string) map[string]string {
	values := map[string]string{}
	for _, line := range strings.Split(text, "\n") {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "="); found {
			values[name] = strings.Trim(value, `"`)
		}
	}
	return values
}

func delegateOf(conf netConf, env map[string]string) (object, error) {
	delegate := object{}
	for name, value := range conf.Delegate {
		delegate[name] = value
	}
	put := func(name string, value any) {
		if _, given := delegate[name]; !given {
			delegate[name] = value
		}
	}
	put("type", "bridge")
	put("ipMasq", env["FLANNEL_IPMASQ"] != "true")
	if mtu, err := strconv.Atoi(env["FLANNEL_MTU"]); err == nil {
		put("mtu", mtu)
	}
	if delegate["type"] == "bridge" {
		put("isGateway", true)
	}
	ranges, routes := []any{}, []any{}
	for _, family := range []string{"", "IPV6_"} {
		if subnet := env["FLANNEL_"+family+"SUBNET"]; subnet != "" {
			ranges = append(ranges, []any{object{"subnet": masked(subnet)}})
		}
		for _, network := range strings.Split(env["FLANNEL_"+family+"NETWORK"], ",") {
			if network != "" {
				routes = append(routes, object{"dst": network})
			}
		}
	}
	if len(ranges) == 0 {
		return nil, errors.New("it names no FLANNEL_SUBNET and no FLANNEL_IPV6_SUBNET")
	}
	delegate["name"] = conf.Name
	delegate["cniVersion"] = conf.CNIVersion
	delegate["ipam"] = object{"type": "host-local", "ranges": ranges, "routes": routes}
	if conf.RuntimeConfig != nil {
		delegate["runtimeConfig"] = conf.RuntimeConfig
	}
	return delegate, nil
}

// call lets the other plugin do the work with the environment that was given to this one.
func call(made []byte) error {
	named := struct {
		Type string `json:"type"`
	}{}
	if err := json.Unmarshal(made, &named); err != nil {
		return err
	}
	for _, folder := range filepath.SplitList(os.Getenv("CNI_PATH")) {
		program := filepath.Join(folder, named.Type)
		if info, err := os.Stat(program); err == nil && info.Mode().IsRegular() {
			other := exec.Command(program)
			other.Stdin = strings.NewReader(string(made))
			other.Stdout, other.Stderr = os.Stdout, os.Stderr
			return other.Run()
		}
	}
	return fmt.Errorf("there is no plugin %s in %s", named.Type, os.Getenv("CNI_PATH"))
}

// masked gives the network of an address with a prefix: flanneld writes the gateway's address.
func masked(text string) string {
	_, network, err := net.ParseCIDR(text)
	if err != nil {
		return text // The other plugin will say what is wrong with it.
	}
	return network.String()
}
