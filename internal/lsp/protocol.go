package lsp

// The parts of the protocol that this server reads and writes, with the names of its specification.

type position struct {
	Line      uint32 `json:"line"`
	Character uint32 `json:"character"`
}

type textRange struct {
	Start position `json:"start"`
	End   position `json:"end"`
}

type location struct {
	URI   string    `json:"uri"`
	Range textRange `json:"range"`
}

type markupContent struct {
	Kind  string `json:"kind"` // markdown or plaintext
	Value string `json:"value"`
}

type textEdit struct {
	Range   textRange `json:"range"`
	NewText string    `json:"newText"`
}

type initializeParams struct {
	Capabilities struct {
		General struct {
			PositionEncodings []string `json:"positionEncodings"`
		} `json:"general"`
		TextDocument struct {
			Hover struct {
				ContentFormat []string `json:"contentFormat"`
			} `json:"hover"`
			Completion struct {
				CompletionItem struct {
					SnippetSupport      bool     `json:"snippetSupport"`
					DocumentationFormat []string `json:"documentationFormat"`
				} `json:"completionItem"`
			} `json:"completion"`
			DocumentSymbol struct {
				Hierarchical bool `json:"hierarchicalDocumentSymbolSupport"`
			} `json:"documentSymbol"`
		} `json:"textDocument"`
		Workspace struct {
			WatchedFiles struct {
				DynamicRegistration bool `json:"dynamicRegistration"`
			} `json:"didChangeWatchedFiles"`
		} `json:"workspace"`
	} `json:"capabilities"`
}

type textDocumentIdentifier struct {
	URI string `json:"uri"`
}

type versionedIdentifier struct {
	URI     string `json:"uri"`
	Version int    `json:"version"`
}

type didOpenParams struct {
	TextDocument struct {
		URI        string `json:"uri"`
		LanguageID string `json:"languageId"`
		Version    int    `json:"version"`
		Text       string `json:"text"`
	} `json:"textDocument"`
}

// change is one edit of a text, or the whole text if it has no range.
type change struct {
	Range *textRange `json:"range"`
	Text  string     `json:"text"`
}

type didChangeParams struct {
	TextDocument   versionedIdentifier `json:"textDocument"`
	ContentChanges []change            `json:"contentChanges"`
}

type documentParams struct {
	TextDocument textDocumentIdentifier `json:"textDocument"`
}

type positionParams struct {
	TextDocument textDocumentIdentifier `json:"textDocument"`
	Position     position               `json:"position"`
}

type codeActionParams struct {
	TextDocument textDocumentIdentifier `json:"textDocument"`
	Range        textRange              `json:"range"`
	Context      struct {
		Only []string `json:"only"`
	} `json:"context"`
}

// Severities of a diagnostic.
const (
	severityError       = 1
	severityWarning     = 2
	severityInformation = 3
)

// Tags of a diagnostic.
const (
	tagUnnecessary = 1
	tagDeprecated  = 2
)

type codeDescription struct {
	Href string `json:"href"`
}

type relatedInformation struct {
	Location location `json:"location"`
	Message  string   `json:"message"`
}

type diagnostic struct {
	Range       textRange            `json:"range"`
	Severity    int                  `json:"severity"`
	Code        string               `json:"code"`
	Description *codeDescription     `json:"codeDescription,omitempty"`
	Source      string               `json:"source"`
	Message     string               `json:"message"`
	Tags        []int                `json:"tags,omitempty"`
	Related     []relatedInformation `json:"relatedInformation,omitempty"`
}

type publishParams struct {
	URI         string       `json:"uri"`
	Version     *int         `json:"version,omitempty"`
	Diagnostics []diagnostic `json:"diagnostics"`
}

type showMessageParams struct {
	Type    int    `json:"type"`
	Message string `json:"message"`
}

const messageError = 1

type hoverResult struct {
	Contents markupContent `json:"contents"`
	Range    *textRange    `json:"range,omitempty"`
}

// Kinds of a completion item.
const (
	kindFunction   = 3
	kindVariable   = 6
	kindModule     = 9
	kindProperty   = 10
	kindValue      = 12
	kindReference  = 18
	kindEnumMember = 20
)

// Formats of what a completion item inserts.
const (
	insertPlain   = 1
	insertSnippet = 2
)

type completionList struct {
	IsIncomplete bool             `json:"isIncomplete"`
	Items        []completionItem `json:"items"`
}

type completionItem struct {
	Label         string         `json:"label"`
	Kind          int            `json:"kind"`
	Detail        string         `json:"detail,omitempty"`
	Documentation *markupContent `json:"documentation,omitempty"`
	SortText      string         `json:"sortText,omitempty"`
	FilterText    string         `json:"filterText,omitempty"`
	InsertFormat  int            `json:"insertTextFormat,omitempty"`
	TextEdit      *textEdit      `json:"textEdit,omitempty"`
}

type workspaceEdit struct {
	Changes map[string][]textEdit `json:"changes"`
}

type codeAction struct {
	Title       string         `json:"title"`
	Kind        string         `json:"kind"`
	Diagnostics []diagnostic   `json:"diagnostics,omitempty"`
	IsPreferred bool           `json:"isPreferred,omitempty"`
	Edit        *workspaceEdit `json:"edit"`
}

// Kinds of a document symbol.
const (
	symbolModule   = 2
	symbolProperty = 7
	symbolFunction = 12
	symbolVariable = 13
	symbolObject   = 19
	symbolKey      = 20
)

type documentSymbol struct {
	Name      string           `json:"name"`
	Detail    string           `json:"detail,omitempty"`
	Kind      int              `json:"kind"`
	Range     textRange        `json:"range"`
	Selection textRange        `json:"selectionRange"`
	Children  []documentSymbol `json:"children,omitempty"`
}

// symbolInformation is a symbol for clients that know no nesting.
type symbolInformation struct {
	Name      string   `json:"name"`
	Kind      int      `json:"kind"`
	Location  location `json:"location"`
	Container string   `json:"containerName,omitempty"`
}

type initializeResult struct {
	Capabilities capabilities `json:"capabilities"`
	ServerInfo   struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	} `json:"serverInfo"`
}

type capabilities struct {
	PositionEncoding string `json:"positionEncoding"`
	TextDocumentSync struct {
		OpenClose bool `json:"openClose"`
		Change    int  `json:"change"` // 2: incremental
		Save      bool `json:"save"`
	} `json:"textDocumentSync"`
	Hover      bool `json:"hoverProvider"`
	Completion struct {
		TriggerCharacters []string `json:"triggerCharacters"`
	} `json:"completionProvider"`
	Definition bool `json:"definitionProvider"`
	CodeAction struct {
		Kinds []string `json:"codeActionKinds"`
	} `json:"codeActionProvider"`
	Formatting     bool `json:"documentFormattingProvider"`
	DocumentSymbol bool `json:"documentSymbolProvider"`
}
