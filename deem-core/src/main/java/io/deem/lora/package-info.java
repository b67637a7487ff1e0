/**
 * Low-rank adaptation (Hu et al. 2021) of any network's linear layers: trained alone, saved alone,
 * merged into the weights.
 */
package io.deem.lora;
