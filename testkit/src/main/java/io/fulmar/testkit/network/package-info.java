/** Networks that fail as a test says: {@link io.fulmar.testkit.network.FaultProxy} is the entry. */
@NullMarked
package io.fulmar.testkit.network;

import org.jspecify.annotations.NullMarked;
