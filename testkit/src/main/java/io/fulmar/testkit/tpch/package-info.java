/** The TPC-H tables that the quickstart, the benchmarks and the tests work on; see {@link Tpch}. */
@NullMarked
package io.fulmar.testkit.tpch;

import org.jspecify.annotations.NullMarked;
