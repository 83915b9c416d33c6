/**
 * Servers that this project's own tests need beside {@link io.fulmar.testkit.TestPostgres}, where a
 * machine has their programs: a standby, a pooler, one that is killed, one with TLS. Not exported.
 */
@NullMarked
package io.fulmar.testkit.internal.postgres;

import org.jspecify.annotations.NullMarked;
