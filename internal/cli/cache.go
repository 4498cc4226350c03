package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
)

var cacheVerb = &verb{
	name: "cache", args: "WHAT", summary: "the store of what builds have made: ls, verify, gc, path", min: 1, max: 1,
	long: `Looks at the store, in which builds keep what their actions made. WHAT is one of

  ls      what is in it, used last first: action, size, last use, beginning of the key
  verify  read all of it; what is damaged is put aside, and then the exit code is 5
  gc      remove what killed builds left and what nothing needs, and the entries used last longest ago down to --limit
  path    where it is

Everything in the store can be made again: the folder may be deleted when no build runs.`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		var o cacheOptions
		cacheFlag(f, &o.dir)
		f.StringVar(&o.limit, "limit", "", "for gc: the size to cut back to, for instance 5GB (default 10GB)")
		return func(s *session, args []string) error { return s.cache(args[0], o) }
	},
}

type cacheOptions struct{ dir, limit string }

// cacheWords are what pare cache does.
var cacheWords = []struct {
	name string
	do   func(*session, cacheOptions) error
}{{"ls", (*session).cacheList}, {"verify", (*session).cacheVerify}, {"gc", (*session).cacheCollect}, {"path", (*session).cachePath}}

func cacheNames() []string {
	var names []string
	for _, w := range cacheWords {
		names = append(names, w.name)
	}
	return names
}

func (s *session) cache(what string, o cacheOptions) error {
	if o.limit != "" && what != "gc" {
		return usageError{"--limit is for pare cache gc"}
	}
	for _, w := range cacheWords {
		if w.name == what {
			return w.do(s, o)
		}
	}
	return usageError{fmt.Sprintf("pare cache has no %q%s; there are ls, verify, gc, path", what, diag.Suggest(what, cacheNames()))}
}

func (s *session) cachePath(o cacheOptions) error {
	dir, err := cacheDir(o.dir)
	if err == nil {
		_, err = fmt.Fprintln(s.stdout, dir)
	}
	return err
}

func (s *session) cacheList(o cacheOptions) error {
	st, err := s.looked(o.dir, true)
	if err != nil {
		return err
	}
	list, err := st.List()
	if err != nil {
		return err
	}
	var bytes int64
	w := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
	for i, e := range list {
		if i == 0 {
			fmt.Fprintln(w, "action\tsize\tlast use\tkey")
		}
		title := e.Entry.Title()
		if title == "" {
			title = "–"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.12s\n", title, human.Bytes(e.Bytes), e.Used.Format("2006-01-02 15:04"), e.Key.Hex())
		bytes += e.Bytes
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.stdout, "%s, %s, in %s\n", entries(len(list)), human.Bytes(bytes), st.Dir())
	return err
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%s entries", human.Count(int64(n)))
}

func (s *session) cacheVerify(o cacheOptions) error {
	st, err := s.looked(o.dir, false)
	if err != nil {
		return err
	}
	bar := newProgress(s.stderr)
	v, err := st.Verify(s.ctx, func(bytes int64) { bar.update("verify", 0, 0, human.Bytes(bytes)) })
	bar.clear()
	if err != nil {
		return err
	}
	if v.Incomplete > 0 {
		if err := printLine(s.stdout, "%s named content that is not there; removed, and made anew when asked for", entries(v.Incomplete)); err != nil {
			return err
		}
	}
	if err := printLine(s.stdout, "%s and %s are sound, %s", entries(v.Entries), plural(v.Blobs, "blob"), human.Bytes(v.Bytes)); err != nil {
		return err
	}
	if v.Damaged > 0 {
		return integrityError{plural(v.Damaged, "damaged file") + " in the store"}
	}
	return nil
}

func printLine(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format+"\n", args...)
	return err
}

func (s *session) cacheCollect(o cacheOptions) error {
	st, err := s.looked(o.dir, false)
	if err != nil {
		return err
	}
	limit := st.Limit()
	if o.limit != "" {
		if limit, err = schema.ParseSize(o.limit); err != nil {
			return usageError{fmt.Sprintf("--limit: %v", err)}
		}
	}
	c, err := st.Collect(s.ctx, limit)
	if err != nil {
		return err
	}
	if c.Busy {
		return printLine(s.stdout, "another process is collecting; nothing done")
	}
	if err := printLine(s.stdout, "removed %s, %s and %s: %s freed, %s left",
		entries(c.Entries), plural(c.Blobs, "blob"), plural(c.Litter, "leftover"), human.Bytes(c.Freed), human.Bytes(c.Left)); err != nil {
		return err
	}
	if c.Spared > 0 {
		return printLine(s.stdout, "%s stay above the limit because a build that runs uses them", entries(c.Spared))
	}
	return nil
}
