/**
 * Tables of TPC-H at any scale, for tests and benchmarks that want data of a known shape: {@link
 * Tpch} is the entry. It needs {@code io.trino.tpch:tpch} among the tests' dependencies.
 */
@NullMarked
package io.fulmar.testkit.tpch;

import org.jspecify.annotations.NullMarked;
