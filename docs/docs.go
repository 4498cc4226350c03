// Package docs holds the pages of documentation and the tests that keep them true: generated pages are fresh, every
// recipe on a page is linted, every output shown is printed again.
package docs

//go:generate go run ../internal/docs/write
//go:generate go test ../evaluate/all -run TestMetricsPage -update
