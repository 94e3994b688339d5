package main

import (
	"encoding/json"
	"testing"
)

func ipam(t *testing.T, env string) string {
	t.Helper()
	conf := netConf{Name: "cbr0", CNIVersion: "0.3.1", Delegate: object{"hairpinMode": true}}
	delegate, err := delegateOf(conf, parseEnv(env))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(delegate["ipam"])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEachFamilyHasARangeAndARoute(t *testing.T) {
	got := ipam(t, "FLANNEL_NETWORK=10.16.0.0/16\nFLANNEL_SUBNET=10.16.1.1/24\n"+
		"FLANNEL_IPV6_NETWORK=fd00:16::/64\nFLANNEL_IPV6_SUBNET=fd00:16::1:1/112\nFLANNEL_MTU=1450\n")
	want := `{"ranges":[[{"subnet":"10.16.1.0/24"}],[{"subnet":"fd00:16::1:0/112"}]],` +
		`"routes":[{"dst":"10.16.0.0/16"},{"dst":"fd00:16::/64"}],"type":"host-local"}`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOneFamilyAlone(t *testing.T) {
	got := ipam(t, "FLANNEL_IPV6_NETWORK=fd00:16::/64\nFLANNEL_IPV6_SUBNET=fd00:16::1:1/112\n")
	want := `{"ranges":[[{"subnet":"fd00:16::1:0/112"}]],"routes":[{"dst":"fd00:16::/64"}],"type":"host-local"}`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNothingWrittenIsAnError(t *testing.T) {
	if _, err := delegateOf(netConf{}, parseEnv("FLANNEL_MTU=1450\n")); err == nil {
		t.Error("no error")
	}
}
