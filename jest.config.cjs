module.exports = { testMatch: ['<rootDir>/tests/**/*.test.ts'], transform: { '\\.ts$': ['@swc/jest'] }, modulePathIgnorePatterns: ['<rootDir>/dist/tests'] };
