// Package engine imports what e2e_node.test needs. It is a test of kubernetes, and `go mod tidy` ignores the tests of
// other modules.
package engine

import (
	_ "k8s.io/kubernetes/test/e2e_node"
	_ "k8s.io/kubernetes/test/e2e_node/services"
	_ "k8s.io/system-validators/validators"
)
