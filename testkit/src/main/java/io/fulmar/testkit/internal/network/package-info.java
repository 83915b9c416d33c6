/** The proxy behind {@link io.fulmar.testkit.network.FaultProxy}, with what only Fulmar needs. */
@NullMarked
package io.fulmar.testkit.internal.network;

import org.jspecify.annotations.NullMarked;
