/** What the readers of JSON files share: error messages that stay on one line. */
package io.deem.json;
