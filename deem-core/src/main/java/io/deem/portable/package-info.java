/**
 * What the library needs of Java 17 and Android 26 lacks. The build checks deem-api, deem-core and
 * deem-runtime-exported against Android 26's classes.
 */
package io.deem.portable;
