/** The runtime of exported models: perceives on ONNX Runtime alone, also on Android. */
package io.deem.runtime.exported;
