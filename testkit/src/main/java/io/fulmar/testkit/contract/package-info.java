/**
 * What every destination keeps to, as tests that its author extends: {@link
 * io.fulmar.testkit.contract.DestinationContract} is the only type. Needs JUnit Jupiter, 5.12 or
 * later, on the path of the tests.
 */
@NullMarked
package io.fulmar.testkit.contract;

import org.jspecify.annotations.NullMarked;
