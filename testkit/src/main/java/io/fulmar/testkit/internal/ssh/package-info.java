/** SSH servers for Fulmar's own tests, and what {@link io.fulmar.testkit.ssh} stands on. */
@NullMarked
package io.fulmar.testkit.internal.ssh;

import org.jspecify.annotations.NullMarked;
