// Command sdkgen writes the Node.js SDK of a package schema: sdkgen SCHEMA FOLDER.
package main

import (
	"encoding/json"
	"log"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

// alone loads nothing: the package refers to no other.
type alone struct{ schema.ReferenceLoader }

func main() {
	raw, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(raw, &spec); err != nil {
		log.Fatal(err)
	}
	pkg, err := schema.ImportSpec(spec, map[string]schema.Language{"nodejs": nodejs.Importer}, alone{}, schema.ValidationOptions{})
	if err != nil {
		log.Fatal(err)
	}
	files, err := nodejs.GeneratePackage("pse", pkg, nil, nil, true, nil)
	if err != nil {
		log.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(os.Args[2], name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
