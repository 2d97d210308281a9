// How Kubernetes itself reads YAML, for the tests: paths come in, one a line; a line of JSON goes out for each file.
//
// The conversion is sigs.k8s.io/yaml over go-yaml v2, the packages that Kubernetes vendors. Files are cut into documents as
// k8s.io/apimachinery/pkg/util/yaml.YAMLReader does.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

// Document is what became of one document; Line is where it begins, from 1.
type Document struct {
	Line    int             `json:"line"`
	Value   json.RawMessage `json:"value,omitempty"`
	Refused string          `json:"refused,omitempty"`
	// Strict is what the API server has against it when it is asked to be strict: keys written twice.
	Strict string `json:"strict,omitempty"`
}

// File is one file's answer.
type File struct {
	Path      string     `json:"path"`
	Documents []Document `json:"documents"`
}

func main() {
	paths := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for paths.Scan() {
		text, err := os.ReadFile(paths.Text())
		file := File{Path: paths.Text(), Documents: []Document{}}
		if err != nil {
			file.Documents = append(file.Documents, Document{Line: 1, Refused: err.Error()})
		} else {
			file.Documents = documents(text)
		}
		if err := encoder.Encode(file); err != nil {
			panic(err)
		}
	}
}

func documents(text []byte) []Document {
	read := []Document{}
	var held bytes.Buffer
	begins := 1
	finish := func() {
		if held.Len() > 0 {
			read = append(read, document(begins, held.Bytes()))
			held.Reset()
		}
	}
	for n, line := range bytes.SplitAfter(text, []byte("\n")) {
		if bytes.HasPrefix(line, []byte("---")) {
			rest := strings.TrimSpace(string(line[3:]))
			if rest != "" && rest[0] != '#' {
				finish()
				return append(read, Document{Line: n + 1, Refused: "invalid Yaml document separator: " + rest})
			}
			finish()
			begins = n + 1
			continue
		}
		// The reader ends every line with a line feed alone, the file's last one too.
		if len(line) > 0 {
			held.Write(bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")))
			held.WriteByte('\n')
		}
	}
	finish()
	return read
}

func document(line int, text []byte) Document {
	value, err := yaml.YAMLToJSON(text)
	if err != nil {
		return Document{Line: line, Refused: err.Error()}
	}
	read := Document{Line: line, Value: value}
	if _, err := yaml.YAMLToJSONStrict(text); err != nil {
		read.Strict = err.Error()
	}
	return read
}
