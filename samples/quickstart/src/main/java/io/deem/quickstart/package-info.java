/** The first program: opens deem-mini, looks at pictures and draws a poster of what it saw. */
package io.deem.quickstart;
