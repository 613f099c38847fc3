// SPDX-License-Identifier: Apache-2.0
#pragma once

// Every entity; catalog.cc lists them in order.
#include "entity/ca_certificate.h"
#include "entity/certificate.h"
#include "entity/consumer.h"
#include "entity/consumer_group.h"
#include "entity/credential.h"
#include "entity/key.h"
#include "entity/license.h"
#include "entity/mtls_auth_credential.h"
#include "entity/oauth2_credential.h"
#include "entity/oauth2_token.h"
#include "entity/partial.h"
#include "entity/plugin.h"
#include "entity/route.h"
#include "entity/service.h"
#include "entity/sni.h"
#include "entity/tag.h"
#include "entity/target.h"
#include "entity/upstream.h"
#include "entity/vault.h"
#include "entity/workspace.h"
