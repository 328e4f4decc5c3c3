package serve

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"cutthrough/impl/layer"
)

// maxSecret bounds the file of a secret, in bytes.
const maxSecret = 128

// namespaces are the namespaces of a session layer, with the files of their secrets.
type namespaces []namespace

type namespace struct {
	layer.Namespace
	secretFile string
}

// Set implements [pflag.Value]: it adds one namespace.
func (n *namespaces) Set(text string) error {
	var x namespace
	for field := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(field, "=")
		switch {
		case ok && key == "name" && x.Name == "":
			x.Name = value
		case ok && key == "secret-file" && value != "" && x.secretFile == "":
			x.secretFile = value
		case ok && key == "own":
			addr, err := netip.ParseAddr(value)
			if err != nil {
				return err
			}
			x.Own = append(x.Own, addr)
		default:
			return fmt.Errorf("%q: want name=NAME (once; none for the default namespace), secret-file=FILE (once), own=ADDRESS", field)
		}
	}
	if slices.ContainsFunc(*n, func(y namespace) bool { return y.Name == x.Name }) {
		return fmt.Errorf("namespace %q is there twice", x.Name)
	}
	*n = append(*n, x)
	return nil
}

// String implements [pflag.Value].
func (n *namespaces) String() string {
	var all []string
	for _, x := range *n {
		all = append(all, "name="+x.Name)
	}
	return strings.Join(all, " ")
}

// Type implements [pflag.Value].
func (n *namespaces) Type() string { return "NAMESPACE" }

// resolve returns the namespaces with their secrets.
func (n namespaces) resolve() ([]layer.Namespace, error) {
	var all []layer.Namespace
	for _, x := range n {
		if x.secretFile != "" {
			var err error
			if x.Secret, err = readSecret(x.secretFile); err != nil {
				return nil, err
			}
		}
		all = append(all, x.Namespace)
	}
	return all, nil
}

// readSecret reads a secret: one number of 64 bits, decimal or with 0x. The file must be kept from other users.
func readSecret(path string) (uint64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("secret: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("secret: %w", err)
	}
	if info.Mode().Perm()&0o027 != 0 {
		return 0, fmt.Errorf("secret: %s has mode %v: other users must not read it, and the group must not write it (chmod 600)", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return 0, fmt.Errorf("secret: %w", err)
	}
	secret, err := strconv.ParseUint(strings.TrimSpace(string(text)), 0, 64)
	if err != nil || secret == 0 { // the error of ParseUint shows the secret
		return 0, fmt.Errorf("secret: %s: %w", path, errSecret)
	}
	return secret, nil
}

var errSecret = errors.New("want one number between 1 and 18446744073709551615, decimal or with 0x")
