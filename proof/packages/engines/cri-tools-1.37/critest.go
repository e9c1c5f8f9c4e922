// Package engine imports what critest needs. critest is a test of cri-tools, and `go mod tidy` ignores the tests of
// other modules.
package engine

import (
	_ "sigs.k8s.io/cri-tools/pkg/benchmark"
	_ "sigs.k8s.io/cri-tools/pkg/validate"
)
