/**
 * Text to token ids and back, behind an interface of our own, because the native library that does
 * it on desktops and servers does not exist everywhere.
 */
package io.deem.text;
