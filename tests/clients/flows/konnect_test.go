// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/kong/go-kong/kong"
)

// bearer sends what a client with a token sends.
type bearer struct{}

func (bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	request.Header.Set("Authorization", "Bearer kpat_of_the_test")
	return http.DefaultTransport.RoundTrip(request)
}

var konnectHTTP = &http.Client{Transport: bearer{}}

func konnectCall(t *testing.T, method, path string, body, into any) int {
	t.Helper()
	var content bytes.Buffer
	if body != nil {
		must(t, json.NewEncoder(&content).Encode(body))
	}
	request, err := http.NewRequestWithContext(ctx, method, os.Getenv("KONNECT_ADDR")+path, &content)
	must(t, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := konnectHTTP.Do(request)
	must(t, err)
	defer response.Body.Close()
	if into != nil {
		must(t, json.NewDecoder(response.Body).Decode(into))
	}
	return response.StatusCode
}

type runtimeGroup struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// findControlPlane turns pages as the declarative client does: until one is the last, or empty.
func findControlPlane(t *testing.T, name string) string {
	t.Helper()
	path := "/konnect-api/api/runtime_groups"
	for {
		var page struct {
			Data      []runtimeGroup `json:"data"`
			Page      int            `json:"page"`
			PageCount int            `json:"pageCount"`
		}
		konnectCall(t, "GET", path, nil, &page)
		for _, group := range page.Data {
			if group.Name == name {
				return group.ID
			}
		}
		if len(page.Data) == 0 || page.Page == page.PageCount {
			t.Fatalf("there is no control plane %q", name)
		}
		path = fmt.Sprintf("/konnect-api/api/runtime_groups?size=100&page=%d", page.Page+1)
	}
}

func connectTo(t *testing.T, controlPlane string) *kong.Client {
	t.Helper()
	address := os.Getenv("KONNECT_ADDR") + "/v2/control-planes/" + controlPlane + "/core-entities"
	client, err := kong.NewClient(&address, konnectHTTP)
	must(t, err)
	return client
}

func needsKonnect(t *testing.T) {
	t.Helper()
	if os.Getenv("KONNECT_ADDR") == "" {
		t.Skip("there is no platform API")
	}
}

func makeControlPlane(t *testing.T, name string) {
	t.Helper()
	if status := konnectCall(t, "POST", "/v2/control-planes", map[string]any{"name": name}, nil); status != 201 {
		t.Fatalf("making a control plane: %d", status)
	}
}

func TestKonnectASyncGoesToTheControlPlaneThatItNames(t *testing.T) {
	needsKonnect(t)
	for i := range 120 { // more than a page
		makeControlPlane(t, fmt.Sprintf("filler-%03d", i))
	}
	makeControlPlane(t, "team")
	team := connectTo(t, findControlPlane(t, "team"))
	s := wanted()
	s.apply(t, team, false)
	if found := ids(t, team); len(found) != 3+len(s.plugins)+1 {
		t.Errorf("tagged are %d", len(found))
	}
	s.service.Host = kong.String("v.test")
	s.apply(t, team, true)
	service, err := team.Services.Get(ctx, kong.String("s"))
	must(t, err)
	if *service.Host != "v.test" {
		t.Errorf("the host is %s", *service.Host)
	}
	standard := connectTo(t, findControlPlane(t, "default"))
	if found := ids(t, standard); len(found) != 0 {
		t.Errorf("the default control plane has %v", found)
	}
	request, err := team.NewRequest("GET", "/targets?size=1000", nil, nil)
	must(t, err)
	var targets struct {
		Data []*kong.Target `json:"data"`
	}
	_, err = team.Do(ctx, request, &targets)
	must(t, err)
	if len(targets.Data) != 1 || *targets.Data[0].Upstream.ID != *s.upstream.ID {
		t.Errorf("all targets are %v", targets.Data)
	}
}

func TestKonnectDefaultsComeFromJSONSchemas(t *testing.T) {
	needsKonnect(t)
	client := connectTo(t, findControlPlane(t, "default"))
	for _, entity := range []string{
		"service", "route", "upstream", "target", "consumer", "consumer_group", "certificate", "ca_certificate", "key",
		"key-set", "jwt", "hmac-auth", "basic-auth", "mtls-auth", "sni", "vault",
	} {
		request, err := client.NewRequest("GET", "/v1/schemas/json/"+entity, nil, nil)
		must(t, err)
		var schema struct {
			Properties map[string]any `json:"properties"`
		}
		if _, err = client.Do(ctx, request, &schema); err != nil {
			t.Errorf("%s: %v", entity, err)
		} else if len(schema.Properties) == 0 {
			t.Errorf("%s has no properties", entity)
		}
	}
	plugin := "key-auth"
	schema, err := client.Plugins.GetFullSchema(ctx, &plugin)
	must(t, err)
	if schema["fields"] == nil {
		t.Error("the plugin's schema has no fields")
	}
}

func TestKonnectAWorkspaceIsMadeAtTheRootOfTheEntities(t *testing.T) {
	needsKonnect(t)
	client := connectTo(t, findControlPlane(t, "default"))
	if _, err := client.Workspaces.Get(ctx, kong.String("team")); !kong.IsNotFoundErr(err) {
		t.Errorf("there is a workspace: %v", err)
	}
	_, err := client.Workspaces.Create(ctx, &kong.Workspace{Name: kong.String("team")})
	must(t, err)
	client.SetWorkspace("team")
	_, err = client.Services.Create(ctx, &kong.Service{Name: kong.String("s"), Host: kong.String("h.test")})
	must(t, err)
	all, err := client.Services.ListAll(ctx)
	must(t, err)
	if len(all) != 1 {
		t.Errorf("there are %d services", len(all))
	}
}
