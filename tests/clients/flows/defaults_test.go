// SPDX-License-Identifier: Apache-2.0

// Package flows does over go-kong what the declarative clients do with an Admin API, against the gateway that
// KONG_ADMIN_URL names, which must be empty.
package flows

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/kong/go-kong/kong"
)

var ctx = context.Background()

func connect(t *testing.T) *kong.Client {
	t.Helper()
	client, err := kong.NewClient(nil, nil)
	must(t, err)
	return client
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// members is an entity without what the server alone decides.
func members(t *testing.T, entity any) map[string]any {
	t.Helper()
	text, err := json.Marshal(entity)
	must(t, err)
	var all map[string]any
	must(t, json.Unmarshal(text, &all))
	for _, name := range []string{"id", "created_at", "updated_at"} {
		delete(all, name)
	}
	return all
}

func same(t *testing.T, what string, wanted, got any) {
	t.Helper()
	a, b := members(t, wanted), members(t, got)
	if reflect.DeepEqual(a, b) {
		return
	}
	left, _ := json.Marshal(a)
	right, _ := json.Marshal(b)
	t.Errorf("%s: the client makes of it\n  %s\nthe gateway\n  %s", what, left, right)
}

// A client that fills defaults in from /schemas and then compares with what the gateway stored must see no difference:
// it would find the same one again and again.
func TestDefaultsOfEntitiesComeFromTheirSchemas(t *testing.T) {
	client := connect(t)
	service := &kong.Service{Name: kong.String("s"), Host: kong.String("s.test")}
	upstream := &kong.Upstream{Name: kong.String("u.test")}
	target := &kong.Target{Target: kong.String("10.0.0.1:80")}
	routes := map[string]*kong.Route{
		"http": {Paths: kong.StringSlice("/a")},
		"tls":  {Protocols: kong.StringSlice("tls"), SNIs: kong.StringSlice("a.test")},
	}

	made, err := client.Services.Create(ctx, service)
	must(t, err)
	fill(t, client, "services", service)
	same(t, "service", service, made)

	for name, route := range routes {
		route.Service = &kong.Service{ID: made.ID}
		created, err := client.Routes.Create(ctx, route)
		must(t, err)
		fill(t, client, "routes", route)
		same(t, name+" route", route, created)
	}

	madeUpstream, err := client.Upstreams.Create(ctx, upstream)
	must(t, err)
	fill(t, client, "upstreams", upstream)
	same(t, "upstream", upstream, madeUpstream)

	madeTarget, err := client.Targets.Create(ctx, madeUpstream.ID, target)
	must(t, err)
	fill(t, client, "targets", target)
	target.Upstream = &kong.Upstream{ID: madeUpstream.ID}
	same(t, "target", target, madeTarget)
}

func fill(t *testing.T, client *kong.Client, kind string, entity any) {
	t.Helper()
	schema, err := client.Schemas.Get(ctx, kind)
	must(t, err)
	must(t, kong.FillEntityDefaults(entity, schema))
}

// What a plugin cannot be made without.
var required = map[string]kong.Configuration{
	"acl":                   {"allow": []any{"g"}},
	"file-log":              {"path": "/tmp/x"},
	"http-log":              {"http_endpoint": "http://10.0.0.1/"},
	"ip-restriction":        {"allow": []any{"10.0.0.1"}},
	"rate-limiting":         {"minute": float64(5)},
	"redirect":              {"location": "https://a.test"},
	"response-ratelimiting": {"limits": map[string]any{"a": map[string]any{"minute": float64(5)}}},
	"tcp-log":               {"host": "10.0.0.1", "port": float64(9)},
	"udp-log":               {"host": "10.0.0.1", "port": float64(9)},
	"opentelemetry":         {"traces_endpoint": "http://10.0.0.1/"},
	"ldap-auth":             {"base_dn": "a", "attribute": "b", "ldap_host": "10.0.0.1"},
	"pre-function":          {"access": []any{"return"}},
	"post-function":         {"access": []any{"return"}},
	"oauth2":                {"enable_client_credentials": true},
	"websocket-size-limit":  {"client_max_payload": float64(1000)},
	"websocket-validator":   {"client": map[string]any{"text": map[string]any{"type": "draft4", "schema": "{}"}}},
}

func TestDefaultsOfPluginsComeFromTheirSchemas(t *testing.T) {
	client := connect(t)
	root, err := client.Root(ctx)
	must(t, err)
	available := root["plugins"].(map[string]any)["available_on_server"].(map[string]any)
	if len(available) == 0 {
		t.Fatal("there are no plugins")
	}
	for name := range available {
		t.Run(name, func(t *testing.T) {
			plugin := &kong.Plugin{Name: kong.String(name), Config: required[name]}
			made, err := client.Plugins.Create(ctx, plugin)
			if err != nil && required[name] == nil && strings.Contains(err.Error(), "required") {
				t.Skip("needs configuration that this test does not know: " + err.Error())
			}
			must(t, err)
			schema, err := client.Plugins.GetFullSchema(ctx, plugin.Name)
			must(t, err)
			if plugin.Config == nil {
				plugin.Config = kong.Configuration{}
			}
			must(t, kong.FillPluginsDefaults(plugin, schema))
			must(t, kong.ClearUnmatchingDeprecations(plugin, made, schema)) // old names are shown beside the new ones
			same(t, "plugin", plugin, made)
		})
	}
}
