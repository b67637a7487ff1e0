/** A {@link io.deem.Perceiver} behind the interfaces of LangChain4j. */
package io.deem.langchain4j;
