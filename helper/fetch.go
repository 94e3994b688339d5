package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	dialTimeout  = 10 * time.Second
	stallTimeout = 30 * time.Second
	bufferSize   = 1 << 20
)

type item struct{ url, digest, out string }

type fetched struct {
	URL     string  `json:"url"`
	Out     string  `json:"out"`
	Status  string  `json:"status"` // fetched, present, failed
	SHA256  string  `json:"sha256,omitempty"`
	Bytes   int64   `json:"bytes"`   // in the file
	Resumed int64   `json:"resumed"` // of these, from an earlier run
	Seconds float64 `json:"seconds"`
	Problem string  `json:"problem,omitempty"`
	Error   string  `json:"error,omitempty"`
}

func fetchVerb(arguments []string, stdin io.Reader, report *reporter) (bool, error) {
	flags := flag.NewFlagSet("fetch", flag.ContinueOnError)
	ca := flags.String("ca", "", "")
	list := flags.String("list", "", "")
	jobs := flags.Int("jobs", 4, "")
	attempts := flags.Int("attempts", 3, "")
	proxy := flags.Bool("proxy-from-env", false, "")
	digest := flags.String("sha256", "", "")
	out := flags.String("out", "", "")
	rest, err := parse(flags, arguments)
	if err != nil {
		return false, err
	}
	var items []item
	switch {
	case *list != "" && len(rest) == 0:
		if items, err = readList(*list, stdin); err != nil {
			return false, err
		}
	case *list == "" && len(rest) == 1 && *digest != "" && *out != "":
		items = []item{{rest[0], *digest, *out}}
	default:
		return false, fmt.Errorf("%w: give --list, or one URL with --sha256 and --out", errUsage)
	}
	if *jobs < 1 || *attempts < 1 {
		return false, fmt.Errorf("%w: --jobs and --attempts are at least 1", errUsage)
	}
	client, err := newClient(*ca, *proxy)
	if err != nil {
		return false, err
	}
	return fetchAll(client, items, *jobs, *attempts, report), nil
}

func readList(name string, stdin io.Reader) ([]item, error) {
	source := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		source = file
	}
	var items []item
	lines := bufio.NewScanner(source)
	for number := 1; lines.Scan(); number++ {
		if lines.Text() == "" {
			continue
		}
		parts := strings.Split(lines.Text(), "\t")
		if len(parts) != 3 || len(parts[1]) != sha256.Size*2 || parts[2] == "" {
			return nil, fmt.Errorf("%w: line %d of the list is not URL<TAB>SHA256<TAB>OUT", errUsage, number)
		}
		items = append(items, item{parts[0], strings.ToLower(parts[1]), parts[2]})
	}
	return items, lines.Err()
}

// newClient trusts the one CA and nothing else; without one it speaks plain HTTP only.
func newClient(ca string, proxy bool) (*http.Client, error) {
	pool := x509.NewCertPool()
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", ca)
		}
	}
	transport := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: stallTimeout,
		TLSClientConfig:       &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		DisableCompression:    true,
	}
	if proxy {
		transport.Proxy = http.ProxyFromEnvironment
	}
	// Blobs stand where roost says; an answer that points elsewhere is not followed.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: transport, CheckRedirect: stay}, nil
}

func fetchAll(client *http.Client, items []item, jobs, attempts int, report *reporter) bool {
	queue := make(chan item)
	var failed atomic.Bool
	var workers sync.WaitGroup
	for range min(jobs, len(items)) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for each := range queue {
				result := fetchOne(client, each, attempts)
				if result.Status == "failed" {
					failed.Store(true)
					report.complain("%s: %s", each.url, result.Error)
				}
				report.line(result)
			}
		}()
	}
	for _, each := range items {
		queue <- each
	}
	close(queue)
	workers.Wait()
	return !failed.Load()
}

func fetchOne(client *http.Client, wanted item, attempts int) fetched {
	begin := time.Now()
	result := fetched{URL: wanted.url, Out: wanted.out}
	if size, found, err := hashFile(wanted.out); err == nil && found == wanted.digest {
		result.Status, result.SHA256, result.Bytes = "present", found, size
		return result
	}
	var err error
	for attempt := 1; attempt <= attempts; attempt++ {
		if err = transfer(client, wanted, &result); err == nil {
			result.Status, result.SHA256 = "fetched", wanted.digest
			break
		}
		if !passing(err) {
			break
		}
		if attempt < attempts {
			time.Sleep(time.Duration(attempt) * 500 * time.Millisecond)
		}
	}
	if err != nil {
		result.Status = "failed"
		result.Problem, result.Error = cause(err)
	}
	result.Seconds = time.Since(begin).Seconds()
	return result
}

// passing tells errors that another attempt may not meet. A wrong digest is one: the partial file was
// dropped, so the next attempt starts from nothing.
func passing(err error) bool {
	var status *statusError
	if errors.As(err, &status) {
		return status.status == http.StatusTooManyRequests || status.status >= 500
	}
	switch problem, _ := cause(err); problem {
	case problemAuthority, problemCertName, problemExpired, problemNoTLS, problemDiskFull, problemReadOnly, problemDenied:
		return false
	}
	return true
}

func transfer(client *http.Client, wanted item, result *fetched) error {
	part := wanted.out + ".part"
	file, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	state := sha256.New()
	start, err := io.Copy(state, file)
	if err != nil {
		return err
	}
	result.Resumed = start
	size, err := download(client, wanted.url, file, state, start, result)
	if err != nil {
		return err
	}
	if found := hex.EncodeToString(state.Sum(nil)); found != wanted.digest {
		os.Remove(part)
		return &digestError{wanted.digest, found}
	}
	result.Bytes = size
	if err := file.Sync(); err != nil {
		return err
	}
	if err := os.Rename(part, wanted.out); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(wanted.out))
}

// download brings the file to the whole of url; state has seen everything in it.
func download(
	client *http.Client, url string, file *os.File, state hash.Hash, start int64, result *fetched,
) (int64, error) {
	work, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	request, err := http.NewRequestWithContext(work, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	if start > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", start))
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusPartialContent && start > 0:
	case response.StatusCode == http.StatusRequestedRangeNotSatisfiable && start > 0:
		return start, nil // Nothing lies beyond what is here; the digest decides.
	case response.StatusCode == http.StatusOK:
		if err := file.Truncate(0); err != nil {
			return 0, err
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return 0, err
		}
		state.Reset()
		start, result.Resumed = 0, 0
	default:
		return 0, &statusError{response.StatusCode, http.StatusText(response.StatusCode)}
	}
	watchdog := time.AfterFunc(stallTimeout, func() { cancel(errStalled) })
	defer watchdog.Stop()
	body := &watched{response.Body, watchdog}
	came, err := io.CopyBuffer(io.MultiWriter(file, state), body, make([]byte, bufferSize))
	if err != nil {
		if stalled := context.Cause(work); stalled != nil {
			return 0, stalled
		}
		return 0, err
	}
	return start + came, nil
}

// watched puts the watchdog off with every byte that comes.
type watched struct {
	source   io.Reader
	watchdog *time.Timer
}

func (w *watched) Read(buffer []byte) (int, error) {
	count, err := w.source.Read(buffer)
	if count > 0 {
		w.watchdog.Reset(stallTimeout)
	}
	return count, err
}

func hashFile(name string) (int64, string, error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, "", err
	}
	defer file.Close()
	state := sha256.New()
	size, err := io.CopyBuffer(state, file, make([]byte, bufferSize))
	return size, hex.EncodeToString(state.Sum(nil)), err
}

func syncDirectory(name string) error {
	directory, err := os.Open(name)
	if err != nil {
		return err
	}
	defer directory.Close()
	return directory.Sync()
}
