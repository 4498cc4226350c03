package safetensors

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/arch"
	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/format/source"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/strictjson"
)

// Names of the files of a folder.
const (
	single     = "model.safetensors"
	indexName  = "model.safetensors.index.json"
	indexEnd   = ".safetensors.index.json"
	configName = "config.json"
)

const (
	maxConfig = 16 << 20
	maxIndex  = maxHeader
)

// folder is what a model was read from. It is the model's Carried.
type folder struct {
	root     *os.Root
	path     string         // of the folder
	shards   []*source.File // in the order of their names
	names    []string       // of the shards
	index    []byte         // nil: a single file
	config   []byte         // nil: there is none
	metadata []ir.KeyValue

	packed    []*module // compressed modules, on their way into the graph
	notes     []string
	opaque    bool                      // modules are carried as they are, which their groups in the configuration belong to
	originals map[*ir.Tensor]*ir.Tensor // tensors as they were stored, by what was made of them
	summary   string                    // how the model was quantized when it was read
	mainType  string                    // the type that most of its numbers had
	shapes    uint64                    // digest of names and shapes
}

func (d *folder) close() error {
	var errs []error
	for _, s := range d.shards {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, d.root.Close())...)
}

// Open reads the headers of a model: path is a folder, a file of tensors or the index of a model in shards. Tensors stay
// in their files until their bytes are asked for. close releases the files.
func Open(path string) (*ir.Model, func() error, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	dir, base := filepath.Dir(path), filepath.Base(path)
	if info.IsDir() {
		dir, base = path, ""
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	d := &folder{root: root, path: dir}
	m, err := d.open(path, base)
	if err != nil {
		d.close()
		return nil, nil, err
	}
	return m, d.close, nil
}

func (d *folder) open(path, base string) (*ir.Model, error) {
	if base == "" {
		var err error
		if base, err = d.find(); err != nil {
			return nil, err
		}
	}
	var tensors []*ir.Tensor
	var err error
	if strings.HasSuffix(base, indexEnd) {
		tensors, err = d.readIndex(base)
	} else {
		tensors, err = d.readSingle(path, base)
	}
	if err != nil {
		return nil, err
	}
	config, err := d.readConfig()
	if err != nil {
		return nil, err
	}
	m, err := d.assemble(config, tensors)
	if err != nil {
		return nil, err
	}
	m.Path, m.Files = path, d.others(path)
	return m, d.attach(m)
}

// assemble makes a model of what config.json says (nil: there is none) and the tensors.
func (d *folder) assemble(config *strictjson.Value, tensors []*ir.Tensor) (*ir.Model, error) {
	broken := func(err error) error {
		return &format.Damaged{Path: filepath.Join(d.path, configName), Reason: err.Error()}
	}
	tensors, err := d.unpack(config, tensors)
	if err != nil {
		return nil, err
	}
	built, err := arch.Build(config, tensors)
	if err != nil {
		return nil, broken(err)
	}
	m := &ir.Model{Format: "safetensors", Family: built.Family, IRVersion: 11, Metadata: d.metadata, Carried: d, Graph: built.Graph, Opsets: built.Opsets,
		Notes: append(built.Notes, d.notes...)}
	coded := d.dequantize(m)
	if err := m.Check(); err != nil {
		return nil, broken(err)
	}
	mods := &modules{}
	if coded {
		mods = findModules(m)
	}
	d.summary, d.mainType, d.shapes = summary(mods), mainType(m, mods), shapesOf(m, mods)
	return m, nil
}

// others lists the files of tensors beside the one at path.
func (d *folder) others(path string) []string {
	var list []string
	for _, n := range d.names {
		if filepath.Join(d.path, n) != filepath.Clean(path) {
			list = append(list, n)
		}
	}
	return list
}

// FileOf returns the name of the file that Open reads first of a folder.
func FileOf(dir string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	return (&folder{root: root, path: dir}).find()
}

// find looks for the file to open in a folder: as transformers does, one file before an index.
func (d *folder) find() (string, error) {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return "", err
	}
	var tensors, pickles []string
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasSuffix(name, ".safetensors"):
			tensors = append(tensors, name)
		case strings.HasSuffix(name, ".bin") || strings.HasSuffix(name, ".pt") || strings.HasSuffix(name, ".pth"):
			pickles = append(pickles, name)
		}
	}
	has := func(name string) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name })
	}
	switch {
	case has(single):
		return single, nil
	case has(indexName):
		return indexName, nil
	case len(tensors) == 1:
		return tensors[0], nil
	case len(tensors) > 1:
		return "", fmt.Errorf("%s: the folder holds %d files of tensors (%s, %s …) and no %s: name the one to open", d.path, len(tensors), tensors[0], tensors[1], indexName)
	case len(pickles) > 0:
		return "", &format.Damaged{Path: filepath.Join(d.path, pickles[0]), Reason: "weights as Python pickles can run code when they are loaded, so pare does not open them: " +
			"load the model with transformers and save it with save_pretrained, which writes safetensors"}
	}
	return "", &format.Damaged{Path: d.path, Reason: "the folder holds no " + single + " and no " + indexName}
}

var shardName = regexp.MustCompile(`-\d{5}-of-\d{5}\.safetensors$`)

// readSingle reads a model in one file.
func (d *folder) readSingle(path, base string) ([]*ir.Tensor, error) {
	open := func() (*source.File, error) { return source.Open(path) }
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		open = func() (*source.File, error) { return d.beneath(base) }
	} else if shardName.MatchString(base) {
		if _, err := d.root.Lstat(indexName); err == nil {
			return nil, fmt.Errorf("%s: this is one shard of a model; name the folder, or %s", path, indexName)
		}
	}
	f, err := open()
	if err != nil {
		return nil, err
	}
	d.shards, d.names = []*source.File{f}, []string{base}
	h, err := readHeader(f, f.Size(), f.Path)
	if err != nil {
		return nil, err
	}
	d.metadata = h.metadata
	return tensorsOf(f, h, make([]*ir.Tensor, 0, len(h.entries))), nil
}

// beneath opens a file of the folder by its base name.
func (d *folder) beneath(name string) (*source.File, error) {
	f, err := source.OpenBeneath(d.root, name)
	if err == nil {
		return f, nil
	}
	full := filepath.Join(d.path, name)
	if info, statErr := d.root.Lstat(name); statErr == nil && info.Mode()&fs.ModeSymlink != 0 {
		return nil, &format.Damaged{Path: full, Reason: "this is a link that leads out of the folder or to no regular file; copy the model with its links followed: cp -rL"}
	} else if statErr == nil && !info.Mode().IsRegular() {
		return nil, &format.Damaged{Path: full, Reason: "this is no regular file"}
	}
	return nil, err
}

// tensorsOf appends the tensors of a file to a list.
func tensorsOf(f *source.File, h *header, list []*ir.Tensor) []*ir.Tensor {
	for i := range h.entries {
		e := &h.entries[i]
		list = append(list, f.Tensor(e.name, e.dtype, e.shape, h.start+e.begin))
	}
	return list
}

// readConfig reads config.json, if there is one.
func (d *folder) readConfig() (*strictjson.Value, error) {
	if _, err := d.root.Lstat(configName); err != nil {
		return nil, nil
	}
	f, err := d.beneath(configName)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if d.config, err = f.All(maxConfig); err != nil {
		return nil, err
	}
	v, err := strictjson.ParsePython(d.config)
	if err != nil {
		return nil, &format.Damaged{Path: f.Path, Reason: err.Error()}
	}
	return v, nil
}
