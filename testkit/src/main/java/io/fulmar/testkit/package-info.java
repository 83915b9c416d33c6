/**
 * What applications that embed Fulmar, authors of destinations and this project itself test with:
 * real PostgreSQL servers, an engine over rows in memory, and fakes that record what they were
 * given.
 *
 * <p>Tests of this project name the faults that they bring about: A-01 to K-04. No test has these:
 *
 * <table>
 *   <caption>Faults without a test</caption>
 *   <tr><th>fault<th>why
 *   <tr><td>T-17<td>How many bytes pass through a tunnel is measured, not tested, because
 *       machines differ: sections {@code tunnel} and {@code ciphers} of the benchmark, which fails
 *       where a tunnel gets less than 0.72 of what {@code ssh -L} gets beside it.
 * </table>
 */
@NullMarked
package io.fulmar.testkit;

import org.jspecify.annotations.NullMarked;
